"""The messages that the troubleshooting page quotes are messages of the programs."""

import re

import pytest

from tests.meta.conftest import sources, text
from tests.support.pages import prose

PAGE = "docs/troubleshooting.md"
PROGRAMS = "".join(map(text, (*sources("server", "rawsocket", "lab"), "Makefile", "pyproject.toml")))
FIRST_CELLS = re.findall(r"^\| ([^|]*[a-z][^|]*) \|", prose(PAGE), re.M)
QUOTED = sorted(
    {piece for cell in FIRST_CELLS for span in re.findall(r"`([^`]+)`", cell) for piece in span.split(" ... ")}
)


def test_there_are_quoted_messages() -> None:
    assert len(QUOTED) > 10


@pytest.mark.parametrize("piece", QUOTED)
def test_each_quoted_message(piece: str) -> None:
    assert piece in PROGRAMS
