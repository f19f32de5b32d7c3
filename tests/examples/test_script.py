"""examples/script.py: a player is given coins."""

from __future__ import annotations

import sys

import pytest

from examples import script
from rblxcloud.emulator import Emulator
from rblxcloud.emulator.faults import Fault
from rblxcloud.sync import Client


def give(monkeypatch: pytest.MonkeyPatch, user: int, coins: int) -> int:
    monkeypatch.setattr(sys, "argv", ["script.py", "13058", str(user), str(coins)])
    return script.main()


def test_coins_add_up_and_everybody_hears_of_it(
    rblxcloud_emulator: Emulator,
    rblxcloud_sync_client: Client,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert give(monkeypatch, 287113233, 50) == 0
    assert give(monkeypatch, 156, 70) == 0
    assert give(monkeypatch, 287113233, 25) == 0
    assert capsys.readouterr().out.endswith("User 287113233 has 75 coins.\n1. 287113233: 75\n2. 156: 70\n")
    value, info = rblxcloud_sync_client.experience(13058).get_data_store("players").get("287113233")
    assert value == {"coins": 75, "badges": []}
    assert info.users == (287113233,)
    assert [message.message for message in rblxcloud_emulator.messages(topic="coins")] == [
        '{"user":287113233,"coins":50}',
        '{"user":156,"coins":70}',
        '{"user":287113233,"coins":75}',
    ]


def test_a_grant_whose_answer_is_lost_may_have_happened(
    rblxcloud_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The write is lost, and so are the repeats that would find out whether it had happened.
    rblxcloud_emulator.faults.add(Fault(kind="drop", acts=True, endpoint="data_stores.v1_set_entry", times=20))
    assert give(monkeypatch, 156, 1) == 1
    shown = capsys.readouterr().err
    assert "It may have happened all the same" in shown
    assert "do not give them again" not in shown


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="answer", status=403, endpoint="ordered_data_stores.update_entry"),
        Fault(kind="drop", acts=True, path="*:publishMessage"),
    ],
    ids=["leaderboard", "message"],
)
def test_what_fails_after_the_grant_asks_for_no_second_one(
    rblxcloud_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fault: Fault
) -> None:
    rblxcloud_emulator.faults.add(fault)
    assert give(monkeypatch, 156, 50) == 1
    assert "User 156 has 50 coins with these: do not give them again" in capsys.readouterr().err
    assert give(monkeypatch, 156, 0) == 0
    assert capsys.readouterr().out == "User 156 has 50 coins.\n1. 156: 50\n"
    assert rblxcloud_emulator.messages(topic="coins")[-1].message == '{"user":156,"coins":50}'


def test_a_missing_scope_is_told(
    rblxcloud_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RBLXCLOUD_API_KEY", "another-key")
    assert give(monkeypatch, 156, 1) == 1
    shown = capsys.readouterr().err
    assert "401" in shown
    assert "may have happened" not in shown
