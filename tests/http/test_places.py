"""Places over the wire: what is made of answers that tell less than all, or contradict themselves."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

import rblxcloud
from tests.http.conftest import Perform
from tests.support.server import Script

PLACE = {
    "path": "universes/1/places/2",
    "displayName": "Castle",
    "description": "A castle.",
    "serverSize": 50,
    "root": True,
}


def answers(*bodies: Any) -> Script:
    return Script([httpx.Response(200, json=body) for body in bodies])


@pytest.mark.parametrize("partial", [{"path": PLACE["path"], "serverSize": 12}, {"serverSize": 12}])
def test_what_the_answer_to_an_update_leaves_out_stays(perform: Perform, partial: dict[str, Any]) -> None:
    script = answers(PLACE, partial)

    async def story(client: Any) -> None:
        place = await client.experience(1).place(2).fetch()
        await place.update(server_size=12)
        assert (place.server_size, place.display_name, place.description, place.root) == (
            12,
            "Castle",
            "A castle.",
            True,
        )
        assert (place.id, place.experience_id) == (2, 1)

    perform(script, story)
    assert script.requests[1].url.params.multi_items() == [("updateMask", "serverSize")]


@pytest.mark.parametrize("cursor", [None, "", "more"])
def test_a_history_ends_where_it_says_so_whatever_the_cursor_is(perform: Perform, cursor: str | None) -> None:
    first = {"placeVersions": [{"version": "2"}], "hasMore": True, "nextCursor": "next"}
    last = {"placeVersions": [{"version": "1"}], "hasMore": False, "nextCursor": cursor}
    script = answers(first, last)

    async def story(client: Any) -> list[int]:
        return [version.number async for version in client.experience(1).place(2).versions()]

    assert perform(script, story) == [2, 1]
    assert [request.url.params.get("cursor") for request in script.requests] == [None, "next"]


@pytest.mark.parametrize("answer", [{}, {"placeVersion": None}, {"placeVersion": {"title": "x"}}, [], 5])
def test_an_answer_to_notes_that_is_none_says_that_they_may_be_written(perform: Perform, answer: Any) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.APIResponseError) as caught:
            await client.experience(1).place(2).set_version_notes(1, title="x", description=None)
        assert caught.value.outcome_unknown

    perform(answers(answer), story)
