"""Secrets: sealed before they leave, told of without their values, and shown nowhere on the way."""

from __future__ import annotations

import base64
import logging
import os
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretBytes, SecretStr

import rblxcloud
from rblxcloud import RetryPolicy
from rblxcloud.emulator import Fault
from tests.oracle.stories import RecordingEmulator
from tests.support.emulator import act_as

Tell = Callable[[Callable[[Any], Any]], None]

PLAIN = "hunter2-öß-swordfish"
CREATE = "secrets.create_secret"
UPDATE = "secrets.update_secret"
DELETE = "secrets.delete_secret"
PUBLIC_KEY = "secrets.get_public_key"


def statuses(emulator: RecordingEmulator) -> list[tuple[str, int | None]]:
    """Return what was asked for, by method or as the key, and what came back."""
    return [("KEY" if each.endpoint == PUBLIC_KEY else each.method, each.status) for each in emulator.requests()]


def test_secret_is_made_and_changed_and_deleted(tell: Tell, emulator: RecordingEmulator) -> None:
    async def story(client: Any) -> None:
        secrets = client.experience(13058).secrets
        made = await secrets.create("payments_key", PLAIN, domain="*.example.com")
        assert (made.id, made.domain, made.created == made.updated) == ("payments_key", "*.example.com", True)
        assert emulator.secrets.open(13058, "payments_key") == PLAIN
        moved = await secrets.update("payments_key", domain="api.example.com")
        assert (moved.domain, moved.created, moved.key_id) == ("api.example.com", made.created, made.key_id)
        assert emulator.secrets.open(13058, "payments_key") == PLAIN
        await secrets.update("payments_key", value="new")
        assert emulator.secrets.open(13058, "payments_key") == "new"
        private = await secrets.update("payments_key", value="newer", domain=None)
        assert (private.domain, emulator.secrets.open(13058, "payments_key")) == (None, "newer")
        await secrets.delete("payments_key")
        assert emulator.secrets.ids(13058) == []

    tell(story)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (PLAIN, PLAIN.encode()),
        (SecretStr(PLAIN), PLAIN.encode()),
        (SecretBytes(b"\xff"), b"\xff"),
        (b"\x00\xff" * 512, b"\x00\xff" * 512),
        ("ö" * 1024, "ö".encode() * 1024),
        ("x", b"x"),
    ],
    ids=["text", "SecretStr", "SecretBytes", "bytes", "1,024 characters", "one character"],
)
def test_every_kind_of_value_arrives_as_it_was(
    tell: Tell, emulator: RecordingEmulator, value: Any, plain: bytes
) -> None:
    async def story(client: Any) -> None:
        assert (await client.experience(1).secrets.create("k", value)).domain is None
        assert emulator.secrets.open_bytes(1, "k") == plain

    tell(story)


def test_secrets_are_listed_without_their_values(tell: Tell, emulator: RecordingEmulator) -> None:
    for number in range(15):
        emulator.secrets.put(1, f"k{number:02}", PLAIN, domain="*" if number else None)

    async def story(client: Any) -> None:
        secrets = client.experience(1).secrets
        listed = [secret async for secret in secrets.list(page_size=4)]
        assert [secret.id for secret in listed] == [f"k{number:02}" for number in range(15)]
        assert [secret.domain for secret in listed] == [None, *["*"] * 14]
        assert PLAIN not in repr(listed)
        assert len([secret async for secret in secrets.list(limit=3)]) == 3
        assert [secret async for secret in client.experience(2).secrets.list()] == []

    tell(story)


def test_what_is_there_and_what_is_not(tell: Tell, emulator: RecordingEmulator) -> None:
    emulator.secrets.put(1, "taken", PLAIN)

    async def story(client: Any) -> None:
        secrets = client.experience(1).secrets
        with pytest.raises(rblxcloud.ConflictError) as caught:
            await secrets.create("taken", "other")
        assert (caught.value.status, caught.value.outcome_unknown) == (409, False)
        for act in (
            lambda: secrets.update("unknown", value="x"),
            lambda: secrets.update("unknown", domain="*"),
            lambda: secrets.delete("unknown"),
        ):
            with pytest.raises(rblxcloud.NotFoundError, match="no secret"):
                await act()

    tell(story)
    assert emulator.secrets.open(1, "taken") == PLAIN


def test_public_key_is_fetched_once_for_each_experience(tell: Tell, emulator: RecordingEmulator) -> None:
    async def story(client: Any) -> None:
        for experience in (client.experience(1), client.experience(1), client.with_options(timeout=9).experience(1)):
            await experience.secrets.create(f"k{len(emulator.requests())}", PLAIN)
        await client.experience(2).secrets.create("k", PLAIN)

    tell(story)
    assert statuses(emulator) == [
        ("KEY", 200),
        ("POST", 201),
        ("POST", 201),
        ("POST", 201),
        ("KEY", 200),
        ("POST", 201),
    ]


def test_rotated_key_is_fetched_anew(tell: Tell, emulator: RecordingEmulator) -> None:
    async def story(client: Any) -> None:
        secrets = client.experience(1).secrets
        first = await secrets.create("a", PLAIN)
        newer = emulator.secrets.rotate_key(1)
        second = await secrets.create("b", PLAIN, domain="*")
        assert (first.key_id != newer, second.key_id) == (True, newer)
        assert [emulator.secrets.open(1, name) for name in ("a", "b")] == [PLAIN, PLAIN]
        newest = emulator.secrets.rotate_key(1)
        assert (await secrets.update("a", value="new")).key_id == newest
        assert (emulator.secrets.open(1, "a"), emulator.secrets.open(1, "b")) == ("new", PLAIN)

    tell(story)
    refused = [("POST", 400), ("KEY", 200), ("POST", 201), ("PATCH", 400), ("KEY", 200), ("PATCH", 200)]
    assert statuses(emulator) == [("KEY", 200), ("POST", 201), *refused]


def test_refusal_that_is_not_for_the_key_is_told(tell: Tell, emulator: RecordingEmulator) -> None:
    emulator.faults.add(Fault(kind="answer", status=400, endpoint=CREATE, times=None))

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.BadRequestError) as caught:
            await client.experience(1).secrets.create("k", PLAIN)
        assert not caught.value.outcome_unknown

    tell(story)
    assert statuses(emulator) == [("KEY", 200), ("POST", 400), ("KEY", 200)], (
        "the key is looked at again, and is the same"
    )


def test_key_that_is_refused_twice_is_not_tried_a_third_time(tell: Tell, emulator: RecordingEmulator) -> None:
    async def story(client: Any) -> None:
        secrets = client.experience(1).secrets
        await secrets.create("a", PLAIN)
        emulator.secrets.rotate_key(1)
        emulator.faults.add(Fault(kind="answer", status=400, endpoint=CREATE, times=2))
        with pytest.raises(rblxcloud.BadRequestError):
            await secrets.create("b", PLAIN)

    tell(story)
    assert statuses(emulator)[2:] == [("POST", 400), ("KEY", 200), ("POST", 400)]


def test_lost_answer_to_a_creation_is_not_tried_again(tell: Tell, emulator: RecordingEmulator) -> None:
    emulator.faults.add(Fault(kind="drop", acts=True, endpoint=CREATE))

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.APIConnectionError) as caught:
            await client.experience(1).secrets.create("k", PLAIN)
        assert caught.value.outcome_unknown

    tell(story)
    assert emulator.secrets.open(1, "k") == PLAIN
    assert [each.method for each in emulator.requests()] == ["GET", "POST"]


def test_lost_answers_to_changes_are_repeated_for_the_only_writer(tell: Tell, emulator: RecordingEmulator) -> None:
    emulator.secrets.put(1, "k", PLAIN)
    for endpoint in (UPDATE, DELETE):
        emulator.faults.add(Fault(kind="drop", acts=endpoint == UPDATE, endpoint=endpoint, times=2))

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.APIConnectionError) as caught:
            await client.experience(1).secrets.update("k", value="new")
        assert caught.value.outcome_unknown
        alone = client.with_options(repeat_writes=True, retries=RetryPolicy(3, base_delay=0.0)).experience(1)
        await alone.secrets.update("k", value="newer")
        assert emulator.secrets.open(1, "k") == "newer"
        await alone.secrets.delete("k")
        assert emulator.secrets.ids(1) == []

    tell(story)


def test_only_the_owner_has_to_do_with_secrets(tell: Tell, emulator: RecordingEmulator) -> None:
    act_as(emulator, "users/5", "universe.secret:read", "universe.secret:write")

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.PermissionDeniedError):
            await client.experience(13058).secrets.create("k", PLAIN)
        with pytest.raises(rblxcloud.PermissionDeniedError):
            await client.experience(13058).secrets.list().first_page()

    tell(story)
    assert emulator.secrets.ids(13058) == []


WRONG: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "a name with a hyphen": ("id", lambda secrets: secrets.create("api-key", "x")),
    "the name of the key": ("id", lambda secrets: secrets.delete("public-key")),
    "a name that begins with a digit": ("id", lambda secrets: secrets.update("1st", value="x")),
    "a long name": ("id", lambda secrets: secrets.create("x" * 65, "x")),
    "no name": ("id", lambda secrets: secrets.create("", "x")),
    "a name of other letters": ("id", lambda secrets: secrets.create("schlüssel", "x")),
    "a name with a line break": ("id", lambda secrets: secrets.create("key\n", "x")),
    "a name that is none": ("id", lambda secrets: secrets.create(None, "x")),
    "a name that is a path": ("id", lambda secrets: secrets.delete("../secrets/a")),
    "an empty value": ("value", lambda secrets: secrets.create("k", "")),
    "an empty SecretStr": ("value", lambda secrets: secrets.create("k", SecretStr(""))),
    "empty SecretBytes": ("value", lambda secrets: secrets.create("k", SecretBytes(b""))),
    "empty bytes": ("value", lambda secrets: secrets.update("k", value=b"")),
    "a long value": ("value", lambda secrets: secrets.create("k", "x" * 1025)),
    "many bytes": ("value", lambda secrets: secrets.create("k", b"x" * 1025)),
    "a value that is None": ("value", lambda secrets: secrets.create("k", None)),
    "a variable that is not set": ("value", lambda secrets: secrets.create("k", SecretStr(os.environ.get("NONE")))),
    "a value that is a number": ("value", lambda secrets: secrets.create("k", 5)),
    "a value that is not Unicode": ("value", lambda secrets: secrets.create("k", "\ud800")),
    "an address": ("domain", lambda secrets: secrets.create("k", "x", domain="https://api.example.com")),
    "a path": ("domain", lambda secrets: secrets.create("k", "x", domain="api.example.com/v1")),
    "a port": ("domain", lambda secrets: secrets.create("k", "x", domain="api.example.com:8080")),
    "a star in the middle": ("domain", lambda secrets: secrets.create("k", "x", domain="api.*.com")),
    "a star without a dot": ("domain", lambda secrets: secrets.create("k", "x", domain="*example.com")),
    "a dot at the end": ("domain", lambda secrets: secrets.update("k", domain="example.com.")),
    "a space": ("domain", lambda secrets: secrets.create("k", "x", domain="api.example.com ")),
    "a long domain": ("domain", lambda secrets: secrets.create("k", "x", domain="a." * 130 + "com")),
    "a domain that is none": ("domain", lambda secrets: secrets.create("k", "x", domain=True)),
    "nothing to change": ("update", lambda secrets: secrets.update("k")),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_roblox_would_not_take_is_not_sent(tell: Tell, emulator: RecordingEmulator, case: str) -> None:
    argument, act = WRONG[case]

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError) as caught:
            await act(client.experience(1).secrets)
        assert caught.value.argument == argument

    tell(story)
    assert emulator.requests() == []


@pytest.mark.parametrize("domain", ["*", "*.example.com", "api.example.com", "a-b.c1.example", "localhost", ""])
def test_domains_that_roblox_takes(tell: Tell, emulator: RecordingEmulator, domain: str) -> None:
    async def story(client: Any) -> None:
        assert (await client.experience(1).secrets.create("k", PLAIN, domain=domain)).domain == (domain or None)

    tell(story)


LONG = PLAIN + "x" * 1024


def test_secret_stands_nowhere_but_in_its_sealed_box(
    tell: Tell, emulator: RecordingEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    """With a `SecretStr` not even the variables of a traceback show it."""
    caplog.set_level(logging.DEBUG)
    told: list[str] = []

    async def story(client: Any) -> None:
        secrets = client.experience(1).secrets
        made = await secrets.create("k", SecretStr(PLAIN), domain="*")
        changed = await secrets.update("k", value=SecretStr(PLAIN))
        told.extend((repr(made), str(changed), repr(pickle.dumps(made)), repr(secrets), made.model_dump_json()))
        for endpoint, kind, status in (
            (CREATE, "answer", 400),
            (CREATE, "answer", 500),
            (CREATE, "drop", 500),
            (CREATE, "cut", 500),
            (CREATE, "answer", 403),
        ):
            emulator.faults.add(Fault(kind=kind, status=status, endpoint=endpoint))
            told.extend(await failing(secrets.create, "b", SecretStr(PLAIN)))
        told.extend(await failing(secrets.create, "k", SecretStr(PLAIN)))
        told.extend(await failing(secrets.create, "k", SecretStr(LONG)))
        told.extend(await failing(secrets.create, "k", SecretStr(PLAIN + "\ud800")))
        told.extend(await failing(secrets.create, "not-a-name", SecretStr(PLAIN)))
        told.extend(await failing(secrets.update, "unknown", value=SecretStr(PLAIN)))

    async def failing(act: Any, *arguments: Any, **named: Any) -> list[str]:
        with pytest.raises(rblxcloud.RblxCloudError) as caught:
            await act(*arguments, **named)
        error = caught.value
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        return [repr(error), str(error), "".join(shown.format()), repr(pickle.dumps(error)), repr(vars(error))]

    tell(story)
    sent = b"".join(request.raw_path.encode() + request.body for request in emulator.recorded)
    kept = repr(emulator._world.database.execute("SELECT * FROM secrets").fetchall())
    for secret in (PLAIN, base64.b64encode(PLAIN.encode()).decode(), PLAIN[:7]):
        assert secret.encode() not in sent
        assert secret not in kept
        assert secret not in caplog.text
        assert [text for text in told if secret in text] == []
    assert emulator.secrets.open(1, "k") == PLAIN


REFUSED: dict[str, Callable[[Any], Any]] = {
    "creation": lambda secrets: secrets.create("k", PLAIN),
    "creation with bytes": lambda secrets: secrets.create("k", PLAIN.encode()),
    "update": lambda secrets: secrets.update("k", value=PLAIN),
    "a long value": lambda secrets: secrets.create("k", LONG),
    "a long new value": lambda secrets: secrets.update("k", value=LONG.encode()),
    "a value that is not Unicode": lambda secrets: secrets.create("k", PLAIN + "\ud800"),
    "bytes that can be changed": lambda secrets: secrets.create("k", bytearray(PLAIN.encode())),
    "new bytes that can be changed": lambda secrets: secrets.update("k", value=bytearray(PLAIN.encode())),
    "a view of bytes": lambda secrets: secrets.create("k", memoryview(PLAIN.encode())),
    "a list": lambda secrets: secrets.create("k", [PLAIN]),
    "a list for a secret without a name": lambda secrets: secrets.update("no-name", value=[PLAIN]),
    "a wrapped list": lambda secrets: secrets.create("k", SecretStr([PLAIN])),  # type: ignore[arg-type]
    "a name that is none": lambda secrets: secrets.create("no-name", PLAIN),
    "a domain that is none": lambda secrets: secrets.update("k", value=PLAIN, domain="no domain"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_plain_text_is_forgotten_as_soon_as_it_is_passed(tell: Tell, emulator: RecordingEmulator, case: str) -> None:
    """It stands in the caller's own variables, but in none of those that a traceback shows of the library."""
    for endpoint in (CREATE, UPDATE):
        emulator.faults.add(Fault(kind="answer", status=403, endpoint=endpoint))
    package = str(Path(rblxcloud.__file__).parent)

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.RblxCloudError) as caught:
            await REFUSED[case](client.experience(1).secrets)
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        ours = [frame for frame in shown.stack if frame.filename.startswith(package)]
        assert ours
        assert [frame for frame in ours if PLAIN[:7] in str(frame.locals)] == []

    tell(story)


def test_value_that_was_passed_for_the_name_is_not_told(tell: Tell) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError) as caught:
            await client.experience(1).secrets.create(PLAIN, "payments_key")
        assert caught.value.argument == "id"
        assert PLAIN[:7] not in f"{caught.value}{caught.value!r}"

    tell(story)


def test_each_box_is_sealed_anew(tell: Tell, emulator: RecordingEmulator) -> None:
    """The same value twice does not show that it is the same."""

    async def story(client: Any) -> None:
        for name in ("a", "b"):
            await client.experience(1).secrets.create(name, PLAIN)

    tell(story)
    boxes = [request.body for request in emulator.recorded if request.method == "POST"]
    assert boxes[0].replace(b'"a"', b'"b"') != boxes[1]
