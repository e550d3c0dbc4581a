"""Pure: what the failures of a run are, in a few words: "270 connects refused, 60 lost".

The kinds always add up to the number of failures: both are of the same events, up to the moment when stop was asked.
Replies that were missing then are failures too, as they are for MAX_FAILURES.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rawsocket.verdict import words
from rawsocket.verdict.run_errors import GENERATOR_LIMIT

MOST = 4  # kinds; the last one is `others` if there are more
MISSING = "missing"
#: By the name of a failure, for one and for several; a name that is not here stands for itself.
WORDS = {
    "refused": ("connect refused", "connects refused"),
    "connect-timeout": ("connect timed out", "connects timed out"),
    "server-full": ("refused: server full", "refused: server full"),
    "tls": ("failed in TLS", "failed in TLS"),
    "closed": ("lost", "lost"),
    "reset": ("lost", "lost"),
    "reply-timeout": ("reply timed out", "replies timed out"),
    "send-timeout": ("send timed out", "sends timed out"),
    "short": ("wrong reply", "wrong replies"),
    "too-long": ("wrong reply", "wrong replies"),
    "wrong": ("wrong reply", "wrong replies"),
    MISSING: ("reply missing", "replies missing"),
}
OTHERS = ("other", "others")


def total(document: Mapping[str, Any]) -> int | None:
    """Return the failures of a run, missing replies included; None if its document does not have them."""
    judged = [check["actual"] for check in document["thresholds"] if check["name"] == "max_failures"]
    found = document.get("failures")
    if found is None:  # an older version has written it
        return int(judged[0]) if judged and judged[0] is not None else None
    return int(found) + _missing(document)


def text(document: Mapping[str, Any]) -> str:
    """Return the most frequent kinds of a run's failures, "" if nothing failed or they are not known."""
    if "failure_kinds" in document:
        return words_of({**document["failure_kinds"], MISSING: _missing(document)})
    return _text_of_an_older_version(document)


def words_of(counts: Mapping[str, int]) -> str:
    """Return failures by name in words, the most frequent kinds first; what is left out is counted as `others`."""
    found: Counter[tuple[str, str]] = Counter()
    for name, count in counts.items():
        found[WORDS.get(name, (name, name))] += count
    kinds = [(said, count) for said, count in found.most_common() if count]
    if len(kinds) > MOST:
        others = sum(count for _, count in kinds[MOST - 1 :])
        kinds = [*kinds[: MOST - 1], (OTHERS, others)]
    return ", ".join(words.count(count, *said) for said, count in kinds)


def _missing(document: Mapping[str, Any]) -> int:
    return int(document["messages"].get(MISSING, 0))


def _text_of_an_older_version(document: Mapping[str, Any]) -> str:
    """Return how connections failed, if that is all that has failed."""
    connections = document["connections"]
    counts = Counter(connections["failed"]) + Counter(connections["dropped"])
    del counts[GENERATOR_LIMIT]  # no failure of the run
    return words_of(counts) if counts.total() == total(document) else ""
