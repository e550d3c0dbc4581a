from pathlib import Path

import pytest

from lab.conversation.compile import compiled
from lab.conversation.syntax.source import Mistake


def _compiled(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    compiled(tmp_path / "a.yaml", "a.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "steps: [connect, {send: a}, close]",
        "steps: [connect, {send: a}, close, {wait: 1s}, connect, {send: b}, {close: reset}]",
        "steps: [{send: a}, close]",  # the next round connects
        "steps: [connect, {send: a}]\nrounds: 1",
        "steps: [connect, {send: a}]\nframing: eof",
        "steps: [connect, {send: a}]\nframing: {send: line, receive: eof}",
        "steps: [connect, {framing: eof}, {send: a}]",
        "connect: [{send: a}, close]",
        "steps: [{send: a, reply: no}, shutdown, {receive: any}]",
        "steps: [{send: a}]\ngoodbye: [{send: b}, close]",
    ],
)
def test_orders_that_can_be_played(tmp_path: Path, text: str) -> None:
    _compiled(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps: [close, {send: a}]", "a.yaml:1:16: a step `send`, and the connection is closed; expected `connect`"),
        ("steps: [{send: a}, connect, close]", "a.yaml:1:9: a step `send`, and the connection is closed; "),
        ("steps: [connect, connect]", "a.yaml:1:18: a `connect` step, and the connection is open; "),
        (
            "steps: [connect, {send: a}]",
            "a.yaml:1:9: a `connect` step, and the connection is still open when ",
        ),
        ("steps: [connect, {send: a}]\nrounds: 2", "a.yaml:1:9: a `connect` step, and the connection is still open"),
        ("steps: [shutdown, {send: a}]", "a.yaml:1:19: a step `send` after `shutdown`; nothing can be sent any more; "),
        ("connect: [connect]\nsteps: [{send: a}]", "a.yaml:1:11: a `connect` step outside `steps`; "),
        ("connect: [{send: a}, close]\nsteps: [{send: a}]", "a.yaml:2:9: a step `send`, and the connection is closed"),
        ("steps: [{send: a}]\ngoodbye: [close, connect]", "a.yaml:2:18: a `connect` step outside `steps`; "),
        ("steps: [{send: a}]\ngoodbye: [close, {send: b}]", "a.yaml:2:18: a step `send`, and the connection is clo"),
    ],
)
def test_orders_that_can_not_be_played(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Mistake) as raised:
        _compiled(tmp_path, text)
    assert str(raised.value).startswith(message)
