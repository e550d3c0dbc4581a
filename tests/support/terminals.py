"""Runs a program in a pseudo-terminal of 79 columns, and shows what its screen has at the end."""

import codecs
import errno
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyte

from tests.support.lab import ROOT

COLUMNS, ROWS = 79, 60


@dataclass
class Shown:
    """What a program wrote: `text` with all control sequences, `screen` as its lines are in the end."""

    code: int
    text: str
    screen: list[str]
    cursor_hidden: bool

    @property
    def lines(self) -> list[str]:
        """The lines of the screen that are not empty at its end."""
        return "\n".join(self.screen).rstrip().split("\n")


def in_terminal(
    command: Sequence[str],
    environ: Mapping[str, str],
    on_text: Callable[[str, subprocess.Popen[bytes]], None] = lambda text, process: None,
    columns: int = COLUMNS,
    stdout: int | None = None,
) -> Shown:
    """Run a command to its end; `on_text` is called with all text so far. `stdout`: a file instead of the terminal."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    screen = pyte.Screen(columns, ROWS)
    stream = pyte.Stream(screen)
    text = ""
    decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
    with subprocess.Popen(
        command, cwd=ROOT, env=dict(environ), stdin=slave, stdout=slave if stdout is None else stdout, stderr=slave
    ) as process:
        os.close(slave)
        while piece := _read(master):
            text += decode(piece)
            on_text(text, process)
        os.close(master)
    stream.feed(text)
    return Shown(process.returncode, text, [line.rstrip() for line in screen.display], screen.cursor.hidden)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except OSError as error:
        if error.errno != errno.EIO:  # all ends of the terminal are closed
            raise
        return b""


def environment(**more: str) -> dict[str, str]:
    """Return an environment with a terminal of many colours, and `more`."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    return {**kept, "TERM": "xterm-256color", **more}


def python(source: str) -> list[str]:
    """Return the command that runs this source."""
    return [sys.executable, "-c", source]
