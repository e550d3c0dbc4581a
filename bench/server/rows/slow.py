"""One client that reads slowly and takes 100 MB of echo: how much the others' p99 moves.

A turn is three identical runs of the others, the slow client beside the middle one. Its p99 is held against the mean of
the two around it, which says how much it moves; these two against each other say how far identical runs lie apart.
Both are medians over the turns; what must stay below 20 % is what the one is beyond the other. It is the p99 from sent:
with three processes on two cores the client that measures is late itself, which is no fault of the server.
"""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.harness.line import Line, number
from bench.harness.procfs import Since
from bench.harness.record import Record, median, of
from bench.load.experiments import Values
from bench.server.clients.load_client import Load
from bench.server.contenders import SELECT, Server, running
from bench.server.roster import CAST, line
from bench.server.row import Bench, Experiment, Row
from bench.server.workloads import latency

OTHERS, RATE, WINDOW_S = 100, 2000, 6.0
TOTAL, CHUNK, EVERY_MS = 100_000_000, 65_536, 4  # 16 MB a second: the server could do more, so it has to wait
LINE_B = 1000  # lines of 20 bytes would be 800,000 messages a second: then the server is the slow one
MUST_PCT = 20.0


def _once(bench: Bench, server: Server, folder: Path) -> Values:
    since = Since()
    with running(server, folder) as at_work, Load(bench.load, at_work.port) as load:
        load.hold(OTHERS)
        before = latency(load, OTHERS, RATE, WINDOW_S)
        with Load(bench.load, at_work.port) as slow:
            slow.tell(f"slow {TOTAL} {LINE_B} {CHUNK} {EVERY_MS}")
            beside = latency(load, OTHERS, RATE, WINDOW_S)
            took = slow.answer()
        after = latency(load, OTHERS, RATE, WINDOW_S)
    return {
        **compared(*(run["p99_sent_us"] for run in (before, beside, after))),
        **beside,
        "took_s": took["seconds"],
        "stolen": since.stolen,
    }


def compared(before: float, beside: float, after: float) -> Values:
    """From three p99 in a row: by how many percent the middle one moved, and how far the other two lie apart."""
    mean = (before + after) / 2
    return {"without_us": mean, "moved_pct": (beside / mean - 1) * 100, "apart_pct": abs(after - before) / mean * 100}


EXPERIMENT = Experiment("slow reader", 7, _once, (SELECT,))


def _lines(records: Sequence[Record]) -> list[Line]:
    turns = of(records, EXPERIMENT.name, SELECT)
    moved, apart = median(turns, "moved_pct"), median(turns, "apart_pct")
    beyond = max(0.0, moved - apart) if moved is not None and apart is not None else None
    figure = "a slow reader, others' p99 beyond the spread"
    title = "A slow reader: how far it moves the p99 of others, beyond the spread"
    found = line(records, EXPERIMENT.name, "slow", figure, "%", {SELECT: beyond}, MUST_PCT, None, title=title)
    if not turns:
        return [found]
    beside, without = (statistics.median(turn.values[key] for turn in turns) for key in ("p99_sent_us", "without_us"))
    found.notes.append(
        f"p99 moves by {moved:+.0f} %, identical runs lie {apart:.0f} % apart (medians of {len(turns)}); "
        f"{number(median(turns, 'busy'), 'cores')} were busy beside the slow reader, of whatever process"
    )
    bars = [(CAST.labels[SELECT], beside, f"p99 {beside:.0f} µs"), ("without it", without, f"p99 {without:.0f} µs")]
    caption = f"{OTHERS} connections, {RATE:,} messages a second, while one more takes 100 MB slowly"
    return [replace(found, bars=bars, caption=caption)]


ROW = Row("slow", (EXPERIMENT,), _lines)
