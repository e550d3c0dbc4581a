"""Pure: what the failures of a run are, in a few words: "270 connects refused, 60 lost"."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rawsocket.verdict import words
from rawsocket.verdict.faults import GENERATOR_LIMIT

MOST = 3
#: Failures of connects, then those of connections; a name that is missing stands for itself.
CONNECTS = {
    "refused": "connects refused",
    "connect-timeout": "connects timed out",
    "server-full": "refused: server full",
    "tls": "failed in TLS",
}
CONNECTIONS = {
    **CONNECTS,
    "closed": "lost",
    "reset": "lost",
    "reply-timeout": "replies timed out",
    "send-timeout": "sends timed out",
    "short": "wrong replies",
    "too-long": "wrong replies",
    "wrong": "wrong replies",
}


def text(document: Mapping[str, Any]) -> str:
    """Return the most frequent kinds, "" if nothing failed."""
    found: Counter[str] = Counter()
    for counts, names in (
        (document["connections"]["failed"], CONNECTS),
        (document["connections"]["dropped"], CONNECTIONS),
    ):
        for name, count in counts.items():
            if name == GENERATOR_LIMIT:  # no failure of the run
                continue
            found[names.get(name, name)] += count
    return ", ".join(f"{words.number(count)} {name}" for name, count in found.most_common(MOST) if count)
