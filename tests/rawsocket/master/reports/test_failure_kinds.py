from typing import Any

import pytest

from rawsocket.errors import NAMES
from rawsocket.master.reports import failure_kinds
from tests.support import verdicts


def _document(kinds: dict[str, int], missing: int = 0, **changes: Any) -> dict[str, Any]:
    messages = {"missing": missing}
    return {"failures": sum(kinds.values()), "failure_kinds": kinds, "messages": messages, "thresholds": [], **changes}


@pytest.mark.parametrize(
    ("kinds", "missing", "text"),
    [
        ({}, 0, ""),
        ({"refused": 270, "closed": 59, "reset": 1}, 0, "270 connects refused, 60 lost"),
        ({"refused": 5506, "closed": 1013, "wrong": 178, "reset": 10}, 0, "5,506 connects refused, 1,023 lost, "
         "178 wrong replies"),
        ({"server-full": 7}, 0, "7 refused: server full"),
        ({"refused": 1, "reply-timeout": 1, "short": 1}, 0, "1 connect refused, 1 reply timed out, 1 wrong reply"),
        ({"refused": 4, "closed": 3, "wrong": 2, "send-timeout": 1}, 0, "4 connects refused, 3 lost, 2 wrong replies, "
         "1 send timed out"),
        ({"refused": 9, "closed": 8, "wrong": 7, "tls": 3, "send-timeout": 2, "connect-timeout": 1}, 0,
         "9 connects refused, 8 lost, 7 wrong replies, 6 others"),
        ({"from-the-future": 4}, 0, "4 from-the-future"),
        ({"closed": 2}, 40, "40 replies missing, 2 lost"),
        ({}, 1, "1 reply missing"),
    ],
)  # fmt: skip
def test_kinds_add_up_to_the_number_of_failures(kinds: dict[str, int], missing: int, text: str) -> None:
    document = _document(kinds, missing)
    assert failure_kinds.text(document) == text
    numbers = [int(part.split()[0].replace(",", "")) for part in text.split(", ") if part]
    assert sum(numbers) == failure_kinds.total(document)


def test_each_name_of_a_failure_has_words() -> None:
    assert set(failure_kinds.WORDS) == {*NAMES, failure_kinds.MISSING} - {"generator-limit"}


@pytest.mark.parametrize(
    ("failed", "dropped", "text"),
    [
        ({"refused": 3, "generator-limit": 9}, {"closed": 1}, "3 connects refused, 1 lost"),
        ({"refused": 3}, {}, ""),  # a message more than connections failed: no one knows how
        ({"refused": 3}, {"closed": 5}, ""),  # some failed after the stop
    ],
)
def test_document_of_an_older_version_has_kinds_only_if_they_add_up(
    failed: dict[str, int], dropped: dict[str, int], text: str
) -> None:
    document = verdicts.passed(failures=4)
    document["connections"] |= {"failed": failed, "dropped": dropped}
    assert (failure_kinds.total(document), failure_kinds.text(document)) == (4, text)


def test_number_of_failures_is_unknown_without_a_threshold_in_an_older_version() -> None:
    document = verdicts.passed(thresholds=[])
    assert failure_kinds.total(document) is None
    assert failure_kinds.total(verdicts.failed()) == 3591
