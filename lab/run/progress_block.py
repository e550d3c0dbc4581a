"""The block that a run redraws on a terminal: a bar with the time left, the figures, the current alerts."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from rawsocket.master.reports.layout import WIDTH, wrapped
from rawsocket.master.reports.progress import SHAPED, alert_texts, clock, figures

ALERTS = 2  # shown at most
_STATUS = {"on track": "green", "in trouble": "bold red", "starting": "cyan"}


class Block:
    """Draws the seconds of one run on the terminal `stream`. Its methods can be called from any thread."""

    def __init__(self, stream: TextIO, title: str) -> None:
        self._console = Console(file=stream, force_terminal=True, force_interactive=True, highlight=False)
        self._title = title
        self._lock = threading.RLock()
        self._live: Live | None = None

    def show(self, second: Mapping[str, Any]) -> None:
        """Draw a second, in the place of the one before."""
        with self._lock:
            if self._live is None:
                self._live = _live(self._console)
                self._live.start()
            width = min(WIDTH, self._console.width)
            self._live.update(Constrain(drawing(second, self._title, width), width), refresh=True)

    def write(self, line: str) -> None:
        """Write a line above the block."""
        with self._lock:
            self._console.print(Text(line), soft_wrap=True)

    def erase(self) -> None:
        """Remove the block and show the cursor again; the next second is drawn below what is written meanwhile."""
        with self._lock:
            live, self._live = self._live, None
            if live is not None:
                try:
                    live.stop()
                finally:
                    self._console.show_cursor(True)


def _live(console: Console) -> Live:
    """Return rich's block, which is drawn only when a second comes.

    It does not take over the streams: lab/py erases the block before others write.
    """
    return Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False)


def drawing(second: Mapping[str, Any], title: str, width: int) -> RenderableType:
    """Return what is drawn of a second, at most `width` columns wide."""
    return Group(*_rows(second, title, width))


def _rows(second: Mapping[str, Any], title: str, width: int) -> Iterator[RenderableType]:
    status = second.get("status") or ""
    yield _ends(Text(title, overflow="ellipsis", no_wrap=True), Text(status, style=_STATUS.get(status, "")))
    elapsed_s, left_s = second["elapsed_s"], second["left_s"]
    if left_s is None:
        yield Text(f"{clock(elapsed_s)}, {second.get('level') or SHAPED}")
    else:
        bar = ProgressBar(total=max(elapsed_s + left_s, 1e-9), completed=elapsed_s)
        yield _ends(bar, Text(f"{clock(left_s)} left"))
    yield Text("   ".join(figures(second)))
    texts = alert_texts(second)
    more = [f"and {len(texts) - ALERTS} more"] if len(texts) > ALERTS else []
    for text in (*texts[:ALERTS], *more):
        yield Text("\n".join(wrapped(text, "  ", "! ", width)), style="bold yellow")


def _ends(left: RenderableType, right: Text) -> Table:
    """Return a line with `left` over its whole width, and `right` at its end."""
    grid = Table.grid(expand=True, padding=(0, 2, 0, 0))
    grid.add_column(ratio=1)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_row(left, right)
    return grid
