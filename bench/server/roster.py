"""Pure: who is shown in the tables and pictures of bench-server, and a line of it from one experiment."""

from collections.abc import Sequence
from functools import partial

from bench.harness.line import Cast, judged
from bench.harness.record import Record, median, of
from bench.server.contenders import SELECT, SERVERS, YARDSTICKS

CAST = Cast(
    title="The select server against its peers",
    picture="What an echo costs a select server",
    caption="One process each, over loopback, 20-byte lines, medians. The red mark is where ours must end.",
    labels={name: server.label for name, server in SERVERS.items()},
    yardsticks=frozenset(SERVERS[name].label for name in YARDSTICKS),
)
line = partial(judged, CAST)


def medians(records: Sequence[Record], experiment: str, value: str) -> dict[str, float | None]:
    """Give the median of one value for each contender; None for who has none."""
    return {name: median(of(records, experiment, name), value) for name in SERVERS}


def times(values: dict[str, float | None], name: str) -> str:
    """Say how ours stands to a contender: "0.83 x asyncio"."""
    mine, other = values[SELECT], values[name]
    return f"{mine / other:.2f} x {name}" if mine and other else f"- x {name}"
