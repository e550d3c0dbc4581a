"""Whether a stream is a terminal that colours and redrawn lines suit, and the colours."""

import os
import shutil
from collections.abc import Mapping, Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

from rawsocket.master.reports.layout import WIDTH
from rawsocket.master.reports.result import Line

STYLES = {"pass": "bold green", "fail": "bold red", "unknown": "bold yellow", "strong": "bold", "faint": "dim", "": ""}


def is_rich(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to use colours and to redraw lines: on a terminal, unless NO_COLOR is set or TERM is `dumb`."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM", "dumb") not in ("", "dumb")


def width(stream: TextIO) -> int:
    """Return the columns to use: those of the terminal, 79 at most."""
    return min(WIDTH, shutil.get_terminal_size().columns) if stream.isatty() else WIDTH


def write(lines: Sequence[Line], stream: TextIO) -> None:
    """Write the lines, with colours where they suit."""
    if not is_rich(stream):
        stream.write("".join("".join(span.text for span in line).rstrip() + "\n" for line in lines))
        stream.flush()
        return
    console = Console(file=stream, force_terminal=True, highlight=False)
    for line in lines:
        text = Text.assemble(*((span.text, STYLES[span.style]) for span in line))
        console.print(text, soft_wrap=True)
