"""The generator: that what it wrote is guarded, and what it does with types that `rblxcloud` does not use so far."""

from __future__ import annotations

import importlib
import sys
import textwrap
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import rblxcloud
from codegen import sync
from codegen.source import GenerationError
from codegen.twins import Twins
from rblxcloud.sync import Client, Page, Pager
from rblxcloud.sync._lifecycle import unwrap, wrap

PREAMBLE = """
from __future__ import annotations
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")
__all__ = ["Room"]
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    """Return a function that makes a package of source text."""
    monkeypatch.syspath_prepend(tmp_path)
    name = f"sample_{abs(hash(request.node.nodeid))}"

    def make(text: str) -> ModuleType:
        (tmp_path / f"{name}.py").write_text(PREAMBLE + textwrap.dedent(text))
        request.addfinalizer(lambda: sys.modules.pop(name, None))
        return importlib.import_module(name)

    return make


def blocking(package: ModuleType) -> dict[str, Any]:
    """Return the names of the blocking twins of a package."""
    names: dict[str, Any] = {}
    exec(compile(Twins(package).module(), "twins", "exec", dont_inherit=True), names)
    return names


def made(sample: ModuleType) -> Any:
    """Return the blocking twin of a new room."""
    return wrap(blocking(sample)["Room"], sample.Room())


def in_room(body: str) -> str:
    return "class Room:\n" + textwrap.indent(textwrap.dedent(body), "    ")


@pytest.fixture(scope="module")
def current() -> dict[str, str]:
    return sync.generate(rblxcloud)


@pytest.fixture
def target(tmp_path: Path, current: dict[str, str]) -> Path:
    """A directory with the files as they were generated."""
    for name, text in current.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_committed_twins_are_current(current: dict[str, str]) -> None:
    assert sync.problems(sync.TARGET, current) == []


def test_files_as_generated_pass(target: Path, current: dict[str, str]) -> None:
    assert sync.problems(target, current) == []


@pytest.mark.parametrize("name", ["_generated.py", "__init__.py"])
def test_a_hand_edit_is_found(name: str, target: Path, current: dict[str, str]) -> None:
    (target / name).write_text(current[name].replace("blocking", "Blocking", 1))
    assert sync.problems(target, current) == [f"{name} was edited by hand"]


def test_a_hand_edit_of_the_seal_is_found(target: Path, current: dict[str, str]) -> None:
    _, _, content = current["_generated.py"].partition('"""')
    (target / "_generated.py").write_text('"""' + content)
    assert sync.problems(target, current) == ["_generated.py was edited by hand"]


def test_a_stale_file_is_found(target: Path, current: dict[str, str]) -> None:
    expected = {**current, "_generated.py": current["_generated.py"] + "\n"}
    assert sync.problems(target, expected) == ["_generated.py is not current"]


def test_a_missing_file_is_found(target: Path, current: dict[str, str]) -> None:
    (target / "__init__.py").unlink()
    assert sync.problems(target, current) == ["__init__.py is missing"]


def test_check_reports_and_fails(
    target: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sync, "TARGET", target)
    assert sync.main([]) == 0
    assert sync.main(["--check"]) == 0
    (target / "_generated.py").write_text("")
    assert sync.main(["--check"]) == 1
    assert "_generated.py was edited by hand" in capsys.readouterr().out


RESULTS = """
    def __init__(self, number: int = 0) -> None:
        self.number = number
    async def one(self) -> Room: return Room(1)
    async def maybe(self, there: bool) -> Room | int | None: return Room(2) if there else None
    async def several(self) -> list[Room]: return [Room(3)]
    async def fixed(self) -> tuple[Room, ...]: return (Room(4),)
    async def named(self) -> dict[str, Room]: return {"a": Room(5)}
    async def nested(self) -> Mapping[str, list[Room | None]]: return {"a": [Room(6), None]}
    async def itself(self) -> Self: return self
    async def another(self) -> Self: return type(self)(7)
    @property
    def neighbour(self) -> Room: return Room(8)
"""


@pytest.mark.parametrize(
    ("read", "number"),
    [
        (lambda room: room.one(), 1),
        (lambda room: room.maybe(True), 2),
        (lambda room: room.several()[0], 3),
        (lambda room: room.fixed()[0], 4),
        (lambda room: room.named()["a"], 5),
        (lambda room: room.nested()["a"][0], 6),
        (lambda room: room.itself(), 0),
        (lambda room: room.another(), 7),
        (lambda room: room.neighbour, 8),
    ],
)
def test_results_are_twins_wherever_they_stand(read: Any, number: int, package: Any) -> None:
    sample = package(in_room(RESULTS))
    names = blocking(sample)
    found = read(names["Room"]())
    assert type(found) is names["Room"]
    assert type(found._impl) is sample.Room
    assert found._impl.number == number


def test_what_is_no_twin_passes_through_a_union(package: Any) -> None:
    room = made(package(in_room(RESULTS)))
    assert room.maybe(False) is None
    assert room.nested()["a"][1] is None
    assert room.itself() is room


ARGUMENTS = """
    async def one(self, room: Room) -> list[str]: return [type(room).__module__]
    async def maybe(self, room: Room | None = None) -> list[str]: return [type(room).__module__]
    async def several(self, rooms: Iterable[Room]) -> list[str]: return [type(room).__module__ for room in rooms]
    async def named(self, rooms: Mapping[str, Room]) -> list[str]: return [type(rooms["a"]).__module__]
    async def only_by_name(self, *, room: Room) -> list[str]: return [type(room).__module__]
"""


def test_arguments_are_unwrapped_wherever_they_stand(package: Any) -> None:
    sample = package(in_room(ARGUMENTS))
    room = made(sample)
    expected = [sample.__name__]
    assert room.one(room) == expected
    assert room.maybe(room) == expected
    assert room.maybe() == ["builtins"]
    assert room.several(iter([room])) == expected
    assert room.named({"a": room}) == expected
    assert room.only_by_name(room=room) == expected


def test_callbacks_and_iterables_lose_their_asynchronous_half(package: Any) -> None:
    sample = package(
        in_room(
            """
            async def visit(
                self,
                go: Callable[[int | None], Awaitable[int | None] | int | None],
                rooms: Iterable[str] | AsyncIterable[str],
            ) -> None: ...
            """
        )
    )
    text = Twins(sample).module()
    assert "go: Callable[[int | None], int | None], rooms: Iterable[str]) -> None" in text


def test_a_callback_that_must_be_awaitable_takes_a_plain_function(package: Any) -> None:
    sample = package(in_room("async def ask(self, who: Callable[[int], Awaitable[int]]) -> int: return await who(3)"))
    assert made(sample).ask(lambda number: number + 1) == 4


def test_secrets_are_in_no_frame_of_a_twin(package: Any) -> None:
    sample = package(
        in_room("""
        async def put(self, key: str, value: SecretStr | str, *, other: SecretBytes | bytes = b"more") -> str:
            hidden = SecretStr(f"{value}{other}")
            del value, other
            raise KeyError(key, hidden)
        """).replace("class Room", "from pydantic import SecretBytes, SecretStr\nclass Room")
    )
    with pytest.raises(KeyError) as caught:
        made(sample).put("k", "hush", other=b"hush")
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
    assert [frame.name for frame in frames if "hush" in str(frame.locals)] == []


def test_a_class_that_returns_twins_is_one(package: Any) -> None:
    sample = package(
        """
        __all__ = ["Room", "House", "Street"]
        class Street:
            def house(self) -> House: return House()
        class House:
            def room(self) -> Room: return Room()
        class Room:
            async def enter(self) -> str: return "in"
        """
    )
    street = wrap(blocking(sample)["Street"], sample.Street())
    assert street.house().room().enter() == "in"


def test_inherited_members_and_generic_classes_are_mirrored(package: Any) -> None:
    sample = package(
        """
        class Base:
            async def inherited(self) -> str: return "from above"
        class Room(Base, Generic[T]):
            async def keep(self, value: T, count: int = 1) -> list[T]: return [value] * count
        """
    )
    room = made(sample)
    assert room.inherited() == "from above"
    assert room.keep("x", 2) == ["x", "x"]


def test_twins_inherit_as_their_originals_do(package: Any) -> None:
    text = (
        in_room("async def open(self) -> Self: return self")
        + "\nclass Cellar(Room):\n    async def fill(self) -> int: return 1\n__all__ = ['Cellar', 'Room']"
    )
    names = blocking(package(text))
    assert issubclass(names["Cellar"], names["Room"])


def test_generators_are_closed_and_examples_lose_their_keywords(package: Any) -> None:
    sample = package(
        in_room(
            '''
            left: bool = False
            """Whether somebody left."""
            async def count(self) -> AsyncIterator[int]:
                """Count: `async for n in room.count(): await use(n)`; then `aclose()`."""
                try:
                    yield 1
                    yield 2
                finally:
                    self.left = True
            '''
        )
    )
    room = made(sample)
    assert room.count.__doc__ == "Count: `for n in room.count(): use(n)`; then `close()`."
    for number in room.count():
        assert number == 1
        break
    assert room.left


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        ("async def f(self) -> set[Room]: ...", "cannot map twins inside"),
        ("async def f(self) -> list[Room] | None: ...", "cannot map twins inside"),
        ("async def f(self, visit: Callable[[Room], None]) -> None: ...", "cannot map twins inside"),
        ("async def f(self) -> AsyncIterator[set[Room]]: ...", "cannot map twins inside"),
        ("async def f(self, hidden: Hidden) -> None: ...", "takes Hidden, which is not exported"),
        (
            "@asynccontextmanager\n    async def f(self) -> AsyncIterator[int]: yield 1",
            "cannot mirror asynccontextmanager",
        ),
        ("async def f(self) -> 'int': ...\n    @property\n    def p(self): ...", "p has no annotation"),
    ],
)
def test_what_cannot_be_mirrored_is_an_error(member: str, reason: str, package: Any) -> None:
    with pytest.raises(GenerationError, match=reason):
        Twins(package(f"class Hidden: ...\nclass Room:\n    {member}\n")).module()


def test_an_exported_function_is_an_error(package: Any) -> None:
    with pytest.raises(GenerationError, match="only classes are mirrored"):
        Twins(package("def Room() -> None: ..."))


HOLDING = """
    ResultT = TypeVar("ResultT")
    class Waited(Generic[ResultT]):
        def __init__(self, value): self._value = value
        async def wait(self) -> ResultT: return self._value
        async def look(self) -> ResultT | None: return None
    class Room:
        async def find(self) -> Waited[Room]: return Waited(self)
        async def count(self) -> Waited[int]: return Waited(7)
    __all__ = ["Room", "Waited"]
"""


def test_what_is_held_has_its_twin_when_it_has_one(package: Any) -> None:
    sample = package(HOLDING)
    twins = blocking(sample)
    room = wrap(twins["Room"], sample.Room())
    assert type(room.find()) is twins["Waited"]
    assert type(room.find().wait()) is twins["Room"]
    assert room.find().look() is None
    assert room.count().wait() == 7


def test_what_is_yielded_has_its_twin_when_it_has_one(package: Any) -> None:
    sample = package(
        """
        ItemT = TypeVar("ItemT")
        class Row(Generic[ItemT]):
            def __init__(self, *values): self._values = values
            async def __aiter__(self) -> AsyncIterator[ItemT]:
                for value in self._values: yield value
        class Room:
            def rooms(self) -> Row[Room]: return Row(self, self)
            def numbers(self) -> Row[int]: return Row(1, 2)
            async def walk(self) -> AsyncGenerator[Room, None]: yield self
            async def maybe(self) -> AsyncIterator[Room | None]:
                yield self
                yield None
        __all__ = ["Room", "Row"]
        """
    )
    twins = blocking(sample)
    room = wrap(twins["Room"], sample.Room())
    assert [*room.rooms(), *room.walk()] == [room] * 3
    assert {type(each) for each in (*room.rooms(), *room.walk())} == {twins["Room"]}
    assert list(room.numbers()) == [1, 2]
    assert list(room.maybe()) == [room, None]


def test_the_items_of_a_page_have_their_twins() -> None:
    place = Client("key").experience(1).place(2)
    pages = Pager(lambda token: Page((unwrap(place), 5), None), limit=None)
    [page] = pages.pages()
    assert (page.items, type(page.items[0])) == ((place, 5), type(place))
    assert pages.first_page() == page


def test_a_variable_can_be_bound_to_several_classes_with_twins(package: Any) -> None:
    sample = package(
        HOLDING
        + """
    BoundT = TypeVar("BoundT", bound=Room | Waited[Any])
    class House:
        def adopt(self, thing: BoundT) -> BoundT: return thing
    __all__ += ["House"]
"""
    )
    twins = blocking(sample)
    assert twins["BoundT"].__bound__.__forward_arg__ == "Room | Waited[Any]"
    room = wrap(twins["Room"], sample.Room())
    assert wrap(twins["House"], sample.House()).adopt(room) is room
