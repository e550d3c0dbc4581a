"""The contenders in the tables and pictures of bench-server, and a line of its table from one experiment."""

from collections.abc import Sequence
from functools import partial

from bench.results.line import Roster, judged
from bench.results.record import Record, median, of
from bench.server import allocator
from bench.server.contenders import REFERENCES, SELECT, SERVERS

ROSTER = Roster(
    title="The select server against its peers",
    picture="What an echo costs a select server",
    caption="One process each, over loopback, 20-byte lines, medians. The red mark is the limit of ours.",
    labels={name: server.label for name, server in SERVERS.items()},
    references=frozenset(SERVERS[name].label for name in REFERENCES),
    notes=(allocator.NOTE,),
)
line = partial(judged, ROSTER)


def medians(records: Sequence[Record], experiment: str, value: str) -> dict[str, float | None]:
    """Return the median of one value for each contender; None if it has none."""
    return {name: median(of(records, experiment, name), value) for name in SERVERS}


def ratio(values: dict[str, float | None], name: str) -> str:
    """Return the ratio of our value to a contender's: "0.83 x asyncio"."""
    ours, other = values[SELECT], values[name]
    return f"{ours / other:.2f} x {name}" if ours and other else f"- x {name}"
