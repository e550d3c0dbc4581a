import io
from typing import Any

import pytest

from lab.run import terminal
from rawsocket.master.reports import result
from tests.support.verdicts import failed


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "rich"),
    [
        (_Terminal(), {"TERM": "xterm"}, True),
        (_Terminal(), {"TERM": "xterm", "NO_COLOR": ""}, True),
        (_Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (_Terminal(), {"TERM": "dumb"}, False),
        (_Terminal(), {}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
    ],
)
def test_colours_only_on_a_terminal_that_wants_them(stream: Any, environ: dict[str, str], rich: bool) -> None:
    assert terminal.is_rich(stream, environ) is rich


def test_plain_lines_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    lines = result.lines(failed())
    terminal.write(lines, stream)
    assert stream.getvalue() == result.text(lines) + "\n"


def test_colours_of_verdict_and_thresholds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = _Terminal()
    terminal.write(result.lines(failed()), stream)
    *_, last = stream.getvalue().splitlines()
    assert last == "\x1b[1;31mverdict: fail (exit code 3)\x1b[0m"
    assert "\x1b[1;32mmet\x1b[0m" in stream.getvalue()


@pytest.mark.parametrize(("columns", "width"), [("200", 79), ("40", 40)])
def test_width_is_that_of_the_terminal_and_79_at_most(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal.width(_Terminal()) == width
    assert terminal.width(io.StringIO()) == 79
