"""Parsers for the pages of the documentation: tables, links, headings, code."""

import itertools
import re
from functools import cache
from pathlib import PurePosixPath

from tests.meta.conftest import text, tracked

README = "README.md"
INDEX = "docs/index.md"
PAGES = [path for path in tracked() if path == README or re.fullmatch(r"docs/[\w-]+\.md", path)]
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_LINK = re.compile(r"(!?)\[[^]]*\]\(([^)\s]+)\)")


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of one language; "" for those without."""
    return [code for found, code in _FENCED.findall(text(page)) if found == language]


@cache
def prose(page: str) -> str:
    """The page without its fenced blocks."""
    return _FENCED.sub("", text(page))


def spans(page: str) -> list[str]:
    """The pieces of code within the text; one that is broken into two lines is one piece."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(page))]


@cache
def rows(page: str) -> list[list[str]]:
    """The cells of all table rows, without backticks."""
    lines = [line for line in prose(page).splitlines() if line.startswith("|")]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines]


def table(page: str, *header: str) -> tuple[list[str], list[list[str]]]:
    """The one table whose header begins with these cells: its header, and its other rows."""
    found = rows(page)
    (at,) = [number for number, row in enumerate(found) if row[: len(header)] == list(header)]
    width = len(found[at])
    body = itertools.takewhile(lambda row: len(row) == width, found[at + 2 :])
    return found[at], list(body)


def pictures(page: str) -> list[str]:
    """Paths of the pictures that the page shows, from the root of the repo."""
    return [_path(page, target) for mark, target in _LINK.findall(prose(page)) if mark]


def links(page: str) -> list[tuple[str, str]]:
    """The (path, anchor) of each link to a file of the repo; the path from the root, the anchor "" if there is none."""
    found = [target for mark, target in _LINK.findall(prose(page)) if not mark and "://" not in target]
    return [(_path(page, target), target.partition("#")[2]) for target in found]


def anchors(page: str) -> list[str]:
    """The anchors that GitHub gives the page's headings."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.M)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


def _path(page: str, target: str) -> str:
    path = target.partition("#")[0]
    if not path:
        return page
    parts: list[str] = []
    for part in (PurePosixPath(page).parent / path).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)
