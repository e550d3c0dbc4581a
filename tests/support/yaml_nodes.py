"""Nodes of a conversation's file from a text, for tests of what reads them."""

from pathlib import Path

from lab.conversation.syntax.source import Map, Node, Source, read_text


def node(text: str, folder: Path = Path()) -> Node:
    """Return the root of a text that stands in the file `f.yaml`."""
    return read_text(Source(folder / "f.yaml", "f.yaml"), text)


def value(text: str, folder: Path = Path()) -> Node:
    """Return the node of a value, written behind the key `v` in the first line: its first column is 4."""
    root = node(f"v: {text}", folder)
    assert isinstance(root, Map)
    return root["v"]
