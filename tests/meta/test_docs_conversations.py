"""The page about conversations: its examples compile, and it names every key, framing, format and example."""

import re
from pathlib import Path

import msgspec
import pytest

from lab.conversation.compile import compiled
from lab.conversation.syntax import document, framings, step_entries
from lab.conversation.syntax.structure import Entry, keys
from lab.settings import ROOT
from rawsocket.conversation.plan import BUILT_IN
from tests.meta.conftest import text
from tests.support.pages import blocks, spans, table

PAGE = "docs/conversations.md"
BLOCKS = blocks(PAGE, "yaml")
KINDS = {
    kind
    for module in (document, step_entries, framings)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Entry) and kind is not Entry
}
KEYS = sorted({key for kind in KINDS for key in keys(kind)})
WORDS = {word for span in spans(PAGE) for word in re.findall(r"[\w<>]+", span)}


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_each_example_compiles(number: int, tmp_path: Path) -> None:
    file = tmp_path / "example.yaml"
    file.write_text(BLOCKS[number])
    assert compiled(file).plan


def test_first_example_is_a_file_of_conversations() -> None:
    assert BLOCKS[0] == text("conversations/redis.yaml")


@pytest.mark.parametrize("key", KEYS)
def test_page_names_each_key(key: str) -> None:
    assert key in WORDS


def test_there_are_keys_of_all_maps() -> None:
    assert {"steps", "expect", "bytes", "p99_9", "includes_header", "repeat", "answer", "idle", "verify"} <= set(KEYS)
    assert all(issubclass(kind, msgspec.Struct) for kind in KINDS)


@pytest.mark.parametrize("name", [*framings.KINDS, *step_entries.STEPS, *step_entries.WORDS])
def test_page_names_each_framing_and_step(name: str) -> None:
    assert name in WORDS


def test_page_lists_the_built_in_values() -> None:
    _, rows = table(PAGE, "value", "what it is")
    named = [re.findall(r"\w+", row[0])[0] for row in rows]
    assert named == [*BUILT_IN, "column", "capture"]


def test_page_lists_the_files() -> None:
    _, rows = table(PAGE, "SCENARIO=", "what each user does")
    assert sorted(row[0] for row in rows) == sorted(path.stem for path in (ROOT / "conversations").glob("*.yaml"))
