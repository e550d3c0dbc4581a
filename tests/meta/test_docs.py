"""The pages as such: their size, their links, and the way from the index to each of them."""

import re

import pytest

from lab.settings import ROOT
from tests.meta.conftest import text, tracked
from tests.support.pages import INDEX, PAGES, README, anchors, links, pictures, table

# Rows whose cells are the code's own words, which tests compare: no shorter table has room for them.
LONG_ROWS = ("| `sync` | `cap` |", "| `prefork` | `cap` |", "| `SCENARIO` |", "| `MODEL` |", "| `--max-connections` |")
SUBJECTS = (
    *(
        "get-started",
        "story",
        "models",
        "many-processes",
        "scenarios",
        "sessions",
        "your-server",
        "ci",
        "settings",
        "verdict",
        "latency",
    ),
    *("ledger", "generator", "benchmarks", "benchmark-results", "troubleshooting", "contributing", "architecture"),
)
TERMS = ("due", "held", "steady window", "late", "settled", "saturated")


def test_readme_is_short() -> None:
    lines = text(README).splitlines()
    assert len(lines) <= 160
    assert len(text(README).split()) <= 1600


@pytest.mark.parametrize("page", PAGES)
def test_no_line_is_longer_than_120_characters(page: str) -> None:
    long = [line for line in text(page).splitlines() if len(line) > 120 and not line.startswith(LONG_ROWS)]
    assert long == []


def test_each_page_is_reachable_from_the_index() -> None:
    seen, todo = set(), {INDEX}
    while todo:
        page = todo.pop()
        seen.add(page)
        todo |= {path for path, _ in links(page) if path in PAGES} - seen
    assert seen == set(PAGES)


def test_readme_links_to_the_index() -> None:
    assert INDEX in [path for path, _ in links(README)]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_each_subject_has_its_page_and_the_map_names_it(subject: str) -> None:
    assert f"docs/{subject}.md" in PAGES
    _, rows = table(INDEX, "page", "answers")
    assert f"[{subject}]({subject}.md)" in [row[0] for row in rows]


@pytest.mark.parametrize("term", TERMS)
def test_glossary_has_each_term(term: str) -> None:
    _, rows = table(INDEX, "term", "meaning")
    assert term in [row[0] for row in rows]


LINKS = [(page, path, anchor) for page in PAGES for path, anchor in links(page)]


def test_each_link_leads_somewhere() -> None:
    assert [link for link in LINKS if not (ROOT / link[1]).exists()] == []
    assert [link for link in LINKS if link[2] and link[2] not in anchors(link[1])] == []


@pytest.mark.parametrize("page", PAGES)
def test_each_heading_of_a_page_has_an_anchor_of_its_own(page: str) -> None:
    assert len(set(anchors(page))) == len(anchors(page))


@pytest.mark.parametrize("path", sorted({path for page in PAGES for path in pictures(page)}))
def test_each_picture_is_there(path: str) -> None:
    assert path in tracked()


def test_each_picture_is_shown() -> None:
    shown = {path for page in PAGES for path in pictures(page)}
    assert {path for path in tracked() if re.fullmatch(r"docs/.*\.(png|svg)", path)} <= shown
