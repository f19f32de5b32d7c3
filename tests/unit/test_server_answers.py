"""What is told of game servers, in the forms that .NET writes and with what is newer than this package."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from rblxcloud import GameServer, GameServerLog, LogSeverity


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("00:00:05", timedelta(seconds=5)),
        ("1.02:03:04", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("00:00:00.1234567", timedelta(microseconds=123_456)),
        ("-00:00:01.5", timedelta(seconds=-1.5)),
        (None, None),
    ],
)
def test_spans_are_read_as_dotnet_writes_them(text: str | None, span: timedelta | None) -> None:
    assert GameServer.model_validate({"jobId": "j", "uptime": text}).uptime == span


@pytest.mark.parametrize("text", ["soon", "1:2", "00:00:٠٥"])
def test_what_is_no_span_is_an_error(text: str) -> None:
    with pytest.raises(ValidationError):
        GameServer.model_validate({"jobId": "j", "uptime": text})


def test_a_status_that_is_newer_is_kept() -> None:
    assert GameServer.model_validate({"jobId": "j", "status": "hibernating"}).status == "hibernating"


@pytest.mark.parametrize(("number", "severity"), [(3, LogSeverity.ERROR), (9, 9), (None, None)])
def test_a_severity_that_is_newer_is_kept(number: Any, severity: Any) -> None:
    line = GameServerLog.model_validate({"messageTimestampMs": "2027-01-15T08:00:00.1234567Z", "severity": number})
    assert line.severity == severity
    assert type(line.severity) is type(severity)
