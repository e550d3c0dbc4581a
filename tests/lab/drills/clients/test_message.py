"""What extra clients send that the server has to answer."""

from pathlib import Path

import pytest

from lab.drills.clients import message
from lab.inputs import conversation
from tests.support.drill_stages import settings


@pytest.mark.parametrize(("framing", "size"), [("line", 8001), ("chunk", 8000)])
def test_message_for_the_labs_own_server_is_large(framing: str, size: int) -> None:
    assert len(message.of(settings(FRAMING=framing))) == size


def test_target_of_the_labs_own_scenario_speaks_its_format() -> None:
    assert len(message.of(settings(TARGET="tcp://a:1"))) == 8001


def test_other_server_is_sent_nothing_that_is_not_known() -> None:
    assert message.of(settings(TARGET="tcp://a:1", SCENARIO="churn")) == b""


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ("[{send: 'a {user}'}, {wait: 1s}, {send: ping}]", b"ping\r\n"),
        ("[{send: 'a {user}'}]", b""),
    ],
)
def test_first_message_of_a_conversation_without_values(
    steps: str, found: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation.folders, "work", lambda: tmp_path)
    (tmp_path / "a.yaml").write_text(f"target: tcp://a:1\nframing: {{delimiter: '\\r\\n'}}\nsteps: {steps}\n")
    chosen = conversation.read({"SCENARIO": str(tmp_path / "a.yaml")}, "load", {})
    assert message.of(chosen) == found
