"""Each file in conversations/ compiles, is short, and says in its first line what it does."""

from pathlib import Path

import pytest

from lab.conversation.compile import compiled
from lab.settings import ROOT

FILES = sorted((ROOT / "conversations").glob("*.yaml"))
MAX_LINES, MAX_COLUMNS = 25, 120


def test_there_are_twenty() -> None:
    assert len(FILES) == 20


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file_compiles(path: Path) -> None:
    found = compiled(path)
    assert found.plan.name == path.stem
    assert found.plan.steps
    assert found.settings["TARGET"].startswith("tcp://127.0.0.1:")
    assert float(found.settings["EVERY"]) >= 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file_is_short_and_says_what_it_does(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) <= MAX_LINES
    assert lines[0].startswith("# ")
    assert lines[0].endswith(".")
    assert [line for line in lines if len(line) > MAX_COLUMNS] == []
