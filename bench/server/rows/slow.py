"""One client that reads 100 MB of echo slowly: how much the p99 of the others changes.

A trial has three identical runs of the others, with the slow client beside the middle one. The p99 of the middle run is
compared with the mean of the other two: the change. The difference of those two shows how far identical runs are
apart: the spread. Both are medians over the trials; the change beyond the spread must stay below 20 %. It is the p99
from sent: with three processes on two cores the measuring client itself is late, which is not the server's fault.
"""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.harness.procfs import HostUsage
from bench.results.line import Line, number
from bench.results.record import Record, Values, median, of
from bench.server.clients.load_client import LoadClient
from bench.server.contenders import SELECT, ServerSpec, running
from bench.server.roster import ROSTER, line
from bench.server.row import Row, ServerBench, ServerExperiment
from bench.server.workloads import latency

OTHERS, RATE, WINDOW_S = 100, 2000, 6.0
TOTAL, CHUNK, EVERY_MS = 100_000_000, 65_536, 4  # 16 MB a second: the server could send more, so it has to wait
LINE_B = 1000  # lines of 20 bytes would be 800,000 messages a second, too many for the server
MUST_PCT = 20.0


def _measure(bench: ServerBench, spec: ServerSpec, folder: Path) -> Values:
    since = HostUsage()
    with running(spec, folder) as server, LoadClient(bench.client, server.port) as load:
        load.hold(OTHERS)
        before = latency(load, OTHERS, RATE, WINDOW_S)
        with LoadClient(bench.client, server.port) as slow:
            slow.send(f"slow {TOTAL} {LINE_B} {CHUNK} {EVERY_MS}")
            beside = latency(load, OTHERS, RATE, WINDOW_S)
            took = slow.receive()
        after = latency(load, OTHERS, RATE, WINDOW_S)
    return {
        **compared(*(run["p99_sent_us"] for run in (before, beside, after))),
        **beside,
        "took_s": took["seconds"],
        "stolen": since.stolen,
    }


def compared(before: float, beside: float, after: float) -> Values:
    """Return the change of the middle one of three p99 in percent, and how far the other two are apart."""
    mean = (before + after) / 2
    return {"without_us": mean, "moved_pct": (beside / mean - 1) * 100, "apart_pct": abs(after - before) / mean * 100}


EXPERIMENT = ServerExperiment("slow reader", 7, _measure, (SELECT,))


def _lines(records: Sequence[Record]) -> list[Line]:
    trials = of(records, EXPERIMENT.name, SELECT)
    moved, apart = median(trials, "moved_pct"), median(trials, "apart_pct")
    beyond = max(0.0, moved - apart) if moved is not None and apart is not None else None
    figure = "a slow reader, others' p99 beyond the spread"
    title = "A slow reader: how much the p99 of the others changes, beyond the spread"
    found = line(records, EXPERIMENT.name, "slow", figure, "%", {SELECT: beyond}, MUST_PCT, None, title=title)
    if not trials:
        return [found]
    beside, without = (
        statistics.median(trial.values[key] for trial in trials) for key in ("p99_sent_us", "without_us")
    )
    found.notes.append(
        f"p99 changes by {moved:+.0f} %, identical runs are {apart:.0f} % apart (medians of {len(trials)}); "
        f"{number(median(trials, 'busy'), 'cores')} were busy beside the slow reader, with any process"
    )
    bars = [(ROSTER.labels[SELECT], beside, f"p99 {beside:.0f} µs"), ("without it", without, f"p99 {without:.0f} µs")]
    caption = f"{OTHERS} connections, {RATE:,} messages a second, while one more takes 100 MB slowly"
    return [replace(found, bars=bars, caption=caption)]


ROW = Row("slow", (EXPERIMENT,), _lines)
