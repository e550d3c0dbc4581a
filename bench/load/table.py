"""Pure: from the records of bench-load to the lines of its table: figure, ours, the peers', must, aim, outcome."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace

from bench.harness.line import Cast, Line, judged, number
from bench.harness.record import Record, median, of, pair_ratios
from bench.load.contenders import CONTENDERS, FLOOR, SESSION
from bench.load.stall import missing

PEERS = ("raw", "everyone", "tuned", "tsung", FLOOR)
CAST = Cast(
    title="The load generator against its peers",
    picture="What a held connection costs its load generator",
    caption="One worker process over loopback, medians. The red mark is where ours must end.",
    labels={name: CONTENDERS[name].label for name in (SESSION, *PEERS)},
    yardsticks=frozenset({CONTENDERS[FLOOR].label, "the truth"}),
    libraries=("locust", "gevent"),
)
TITLES = {
    "memory": "User memory per held connection",
    "cpu": "CPU per message, each connection once a second",
    "closed": "CPU per message in a closed loop, in times of the floor",
    "arrivals": "How evenly connections arrive",
    "lag": "Worst lag of the reactor",
    "stall 100": "The server stands still for 2 s, 100 connections",
    "stall 1000": "The server stands still for 2 s, 1,000 connections",
}
FLAT_PCT = 1.0  # of the worker's weight: what a soak may grow by


def lines(records: Sequence[Record], rows: Sequence[str], asked: int) -> list[Line]:
    """Give the lines of these rows; `asked` is how many connections the row of arrivals opens."""
    makers: dict[str, Callable[[], list[Line]]] = {
        "memory": lambda: [_memory(records)],
        "cpu": lambda: [_cpu(records)],
        "closed": lambda: [_closed(records)],
        "arrivals": lambda: [_arrivals(records, asked)],
        "lag": lambda: [_lag(records)],
        "stall": lambda: [_stall(records, "stall 100", 2.0, 1.0), _stall(records, "stall 1000", 5.0, 3.0)],
        "soak": lambda: [_soak(records)],
    }
    return [line for row, maker in makers.items() if row in rows for line in maker()]


def _memory(records: Sequence[Record]) -> Line:
    values = {name: median(of(records, "hold", name), "kb") for name in (SESSION, *PEERS)}
    return _line(records, "hold", "memory", "memory per held connection", "KB", values, 1.25, 0.9)


def _cpu(records: Sequence[Record]) -> Line:
    values = {name: median(of(records, "hold", name), "us") for name in (SESSION, *PEERS)}
    everyone, tuned = values["everyone"], values["tuned"]
    must = min(everyone / 3, tuned / 2) if everyone and tuned else None
    aim = min(everyone / 4, tuned / 2) if everyone and tuned else None
    line = _line(records, "hold", "cpu", "CPU per message, 1/s each", "µs", values, must, aim)
    line.notes.append("must: 1/3 of everyone's and 1/2 of the tuned one; aim: 1/4 of everyone's")
    return line


def _closed(records: Sequence[Record]) -> Line:
    values: dict[str, float | None] = {}
    for name in (SESSION, *PEERS[:-1]):
        ratios = pair_ratios(records, "closed", name, FLOOR, "us")
        values[name] = statistics.median(ratios) if ratios else None
    values[FLOOR] = 1.0 if of(records, "closed", FLOOR) else None
    line = _line(records, "closed", "closed", "closed loop, CPU per message", "x", values, 1.5, 1.25)
    for name in line.shown:
        if (us := median(of(records, "closed", name), "us")) is not None:
            line.shown[name] += f", {us:.1f} µs"
    line.notes.append("x: times the floor, the median of neighbouring pairs")
    return line


def _arrivals(records: Sequence[Record], asked: int) -> Line:
    values = {name: median(of(records, "arrivals", name), "worst_pct") for name in (SESSION, *PEERS[:-1])}
    ours = of(records, "arrivals", SESSION)
    also = all(r.values["accepted"] == asked and not r.values["failed"] for r in ours)
    strips = {name: turns[-1].values["tenths"] for name in values if (turns := of(records, "arrivals", name))}
    line = _line(records, "arrivals", "arrivals", "arrivals, worst 100 ms off", "%", values, 15.0, 10.0, also)
    for turn in ours:
        line.notes.append(f"{turn.values['accepted']:,} of {asked:,} opened, {turn.values['failed']} failed")
    caption = "Connections accepted in each 100 ms; the line is even, columns are cut off at three times that"
    return replace(line, strips=strips, caption=caption)


def _lag(records: Sequence[Record]) -> Line:
    ours = of(records, "hold", SESSION)
    held, end = median(ours, "lag_held_ms"), median(ours, "lag_end_ms")
    calm = held is not None and end is not None and held <= 25.0 and end <= 50.0
    values = {SESSION: median(ours, "lag_ramp_ms")}
    line = _line(records, "hold", "lag", "worst lag of the reactor", "ms", values, 50.0, 25.0, aimed=calm)
    if held is not None and end is not None:
        line.notes.append(
            f"ramp included; held {held:.1f} ms, to the end of the run {end:.1f} ms (the aims: 25 and 50)"
        )
    outside = [median(ours, f"silent_{when}_ms") for when in ("ramp", "held", "end")]
    if None not in outside:
        seen = ", ".join(f"{when} {ms:.0f} ms" for when, ms in zip(("ramp", "held", "end"), outside, strict=True))
        line.notes.append(f"seen from outside, the longest silence at the server: {seen}")
    quiet = {name: median(of(records, "hold", name), "silent_held_ms") for name in (SESSION, *PEERS)}
    silences = {name: ms for name, ms in quiet.items() if ms is not None}
    if silences:
        of_all = ", ".join(f"{name} {ms:.0f} ms" for name, ms in silences.items())
        line.notes.append(f"the longest silence of each while held: {of_all}")
    bars = [(CONTENDERS[name].label, ms, number(ms, "ms")) for name, ms in silences.items()]
    return replace(line, bars=bars, caption="Longest time in which nothing came to the server, 10,000 due a second")


def _stall(records: Sequence[Record], experiment: str, must: float, aim: float) -> Line:
    def off(name: str, key: str) -> float | None:
        found = [median(of(records, experiment, name), f"{q}_{key}_off_pct") for q in ("p99", "p99_9")]
        return max((abs(value) for value in found if value is not None), default=None)

    values = {name: off(name, "implied") for name in (SESSION, "everyone")}
    ours = of(records, experiment, SESSION)
    lost = sum(missing(r.values) for r in ours)
    figure = f"2 s stall, {experiment.split()[1]}: p99, p99.9 off"
    line = _line(records, experiment, experiment, figure, "%", values, must, aim, not lost)
    bars = []
    for name in values:
        said, right = (median(of(records, experiment, name), key) for key in ("p99_ms", "p99_implied_ms"))
        if said is not None and right is not None:
            line.notes.append(f"{CONTENDERS[name].label}: p99 {said:,.0f} ms, implied by the stall {right:,.0f} ms")
            bars.append((CONTENDERS[name].label, said, f"{said:,.0f} ms"))
    if (right := median(ours, "p99_implied_ms")) is not None:
        bars.append(("the truth", right, f"{right:,.0f} ms"))
    if ours:
        free = off(SESSION, "at_once")
        line.notes.append(f"{lost} messages missing from the counts; were catching up free, {number(free, '%')} off")
    if (never := median(of(records, experiment, "everyone"), "never_sent_pct")) is not None:
        line.notes.append(f"everyone's user never sent {never:.1f} % of its messages")
    return replace(line, bars=bars, caption="p99 of the latency that each tells of, and what it must have been")


def _soak(records: Sequence[Record]) -> Line:
    ours = of(records, "soak", SESSION)
    left, growth = median(ours, "unexplained"), median(ours, "growth_pct")
    known = growth is not None and all(r.values["reconciled"] is not None for r in ours)
    also = growth is not None and growth <= FLAT_PCT and all(r.values["reconciled"] for r in ours)
    seconds = ours[0].values["soak_s"] if ours else 0.0
    values = {SESSION: left if known else None}
    figure = f"soak of {seconds / 60:.0f} min, unexplained"
    line = _line(records, "soak", "soak", figure, "", values, 0.0, 0.0, also, aimed=seconds >= 3600)
    if growth is not None:
        line.notes.append(
            f"memory {growth:+.2f} % after the ramp (must: within {FLAT_PCT:g} %); aim: the same for 1 hour"
        )
    return line


def _line(
    records: Sequence[Record],
    experiment: str,
    key: str,
    figure: str,
    unit: str,
    values: dict[str, float | None],
    must: float | None,
    aim: float | None,
    also: bool = True,
    aimed: bool | None = None,
) -> Line:
    title = TITLES.get(key, "")
    return judged(CAST, records, experiment, key, figure, unit, values, must, aim, title=title, also=also, aimed=aimed)
