"""The lines of bench-load's table, made from its records: our figure, those of the peers, must, aim, outcome."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace

from bench.load.contenders import CONTENDERS, FLOOR, SESSION
from bench.load.features import lines as features
from bench.load.stall import missing
from bench.results.line import Line, Roster, judged, number
from bench.results.record import Record, median, of, pair_ratios

TRUE_VALUE = "true value"
PEERS = ("raw", "typical", "tuned", "tsung", FLOOR)
ROSTER = Roster(
    title="The load generator against its peers",
    picture="What a held connection costs its load generator",
    caption="One worker process over loopback, medians. The red mark is the limit of ours.",
    labels={name: CONTENDERS[name].label for name in (SESSION, *PEERS)},
    references=frozenset({CONTENDERS[FLOOR].label, TRUE_VALUE}),
    libraries=("locust", "gevent"),
)
TITLES = {
    "memory": "User memory per held connection",
    "cpu": "CPU per message, each connection once a second",
    "closed": "CPU per message in a closed loop, relative to the bare client (the floor)",
    "arrivals": "How evenly connections arrive",
    "lag": "Worst lag of the reactor",
    "stall 100": "The server stops for 2 s, 100 connections",
    "stall 1000": "The server stops for 2 s, 1,000 connections",
}
SPARE_DESCRIPTORS = 5  # that may be open for a moment: a question to the admin port, a log
FLAT_PCT = 1.0  # of the worker's memory: the growth that a soak may have


def lines(records: Sequence[Record], rows: Sequence[str], asked: int) -> list[Line]:
    """Return the lines of these rows; `asked` is the number of connections that the row of arrivals opens."""
    makers: dict[str, Callable[[], list[Line]]] = {
        "memory": lambda: [_memory(records)],
        "cpu": lambda: [_cpu(records)],
        "closed": lambda: [_closed(records)],
        "arrivals": lambda: [_arrivals(records, asked)],
        "lag": lambda: [_lag(records)],
        "stall": lambda: [_stall(records, "stall 100", 2.0, 1.0), _stall(records, "stall 1000", 5.0, 3.0)],
        "tls": lambda: features.tls(ROSTER, records),
        "ids": lambda: features.ids(ROSTER, records),
        "heartbeats": lambda: features.heartbeats(ROSTER, records),
        "conversation": lambda: features.conversation(ROSTER, records),
        "soak": lambda: [_soak(records)],
    }
    return [line for row, maker in makers.items() if row in rows for line in maker()]


def _memory(records: Sequence[Record]) -> Line:
    values = {name: median(of(records, "hold", name), "kb") for name in (SESSION, *PEERS)}
    return _line(records, "hold", "memory", "memory per held connection", "KB", values, 1.25, 0.9)


def _cpu(records: Sequence[Record]) -> Line:
    values = {name: median(of(records, "hold", name), "us") for name in (SESSION, *PEERS)}
    typical, tuned = values["typical"], values["tuned"]
    must = min(typical / 3, tuned / 2) if typical and tuned else None
    aim = min(typical / 4, tuned / 2) if typical and tuned else None
    line = _line(records, "hold", "cpu", "CPU per message, 1/s each", "µs", values, must, aim)
    line.notes.append("must: 1/3 of typical and 1/2 of tuned; aim: 1/4 of typical")
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
    line.notes.append("x: relative to the floor, the median of the ratios of neighbouring trials")
    return line


def _arrivals(records: Sequence[Record], asked: int) -> Line:
    values = {name: median(of(records, "arrivals", name), "worst_pct") for name in (SESSION, *PEERS[:-1])}
    ours = of(records, "arrivals", SESSION)
    also = all(r.values["accepted"] == asked and not r.values["failed"] for r in ours)
    strips = {name: found[-1].values["tenths"] for name in values if (found := of(records, "arrivals", name))}
    line = _line(records, "arrivals", "arrivals", "arrivals, worst 100 ms off", "%", values, 15.0, 10.0, also)
    for trial in ours:
        line.notes.append(f"{trial.values['accepted']:,} of {asked:,} opened, {trial.values['failed']} failed")
    caption = (
        "Connections accepted in each 100 ms; the dashed line is an even rate, columns are cut off at three times that"
    )
    return replace(line, strips=strips, caption=caption)


def _lag(records: Sequence[Record]) -> Line:
    ours = of(records, "hold", SESSION)
    held, end = median(ours, "lag_held_ms"), median(ours, "lag_end_ms")
    small = held is not None and end is not None and held <= 25.0 and end <= 50.0
    values = {SESSION: median(ours, "lag_ramp_ms")}
    line = _line(records, "hold", "lag", "worst lag of the reactor", "ms", values, 50.0, 25.0, aimed=small)
    if held is not None and end is not None:
        line.notes.append(
            f"ramp included; while held {held:.1f} ms, until the end of the run {end:.1f} ms (aims: 25 and 50)"
        )
    silence = [median(ours, f"silent_{when}_ms") for when in ("ramp", "held", "end")]
    if None not in silence:
        seen = ", ".join(f"{when} {ms:.0f} ms" for when, ms in zip(("ramp", "held", "end"), silence, strict=True))
        line.notes.append(f"longest silence at the server: {seen}")
    quiet = {name: median(of(records, "hold", name), "silent_held_ms") for name in (SESSION, *PEERS)}
    silences = {name: ms for name, ms in quiet.items() if ms is not None}
    if silences:
        of_all = ", ".join(f"{name} {ms:.0f} ms" for name, ms in silences.items())
        line.notes.append(f"longest silence of each while held: {of_all}")
    bars = [(CONTENDERS[name].label, ms, number(ms, "ms")) for name, ms in silences.items()]
    return replace(
        line, bars=bars, caption="Longest time in which no message came to the server, with 10,000 due a second"
    )


def _stall(records: Sequence[Record], experiment: str, must: float, aim: float) -> Line:
    def off(name: str, key: str) -> float | None:
        found = [median(of(records, experiment, name), f"{q}_{key}_off_pct") for q in ("p99", "p99_9")]
        return max((abs(value) for value in found if value is not None), default=None)

    values = {name: off(name, "implied") for name in (SESSION, "typical")}
    ours = of(records, experiment, SESSION)
    lost = sum(missing(r.values) for r in ours)
    figure = f"2 s stall, {experiment.split()[1]}: p99, p99.9 off"
    line = _line(records, experiment, experiment, figure, "%", values, must, aim, not lost)
    bars = []
    for name in values:
        reported, right = (median(of(records, experiment, name), key) for key in ("p99_ms", "p99_implied_ms"))
        if reported is not None and right is not None:
            line.notes.append(f"{CONTENDERS[name].label}: p99 {reported:,.0f} ms, true value {right:,.0f} ms")
            bars.append((CONTENDERS[name].label, reported, f"{reported:,.0f} ms"))
    if (right := median(ours, "p99_implied_ms")) is not None:
        bars.append((TRUE_VALUE, right, f"{right:,.0f} ms"))
    if ours:
        free = off(SESSION, "at_once")
        line.notes.append(
            f"{lost} messages missing from the counts; without the time to catch up it would be {number(free, '%')} off"
        )
    if (never := median(of(records, experiment, "typical"), "never_sent_pct")) is not None:
        line.notes.append(f"the typical Locust user never sent {never:.1f} % of its messages")
    return replace(line, bars=bars, caption="The p99 latency that each reports, and the true value")


def _soak(records: Sequence[Record]) -> Line:
    ours = of(records, "soak", SESSION)
    unexplained, growth = median(ours, "unexplained"), median(ours, "growth_pct")
    known = growth is not None and all(r.values["reconciled"] is not None for r in ours)
    server = median(ours, "server_growth_pct")
    opened = [each for r in ours for each in r.values.get("descriptors", {}).values()]
    leaks = any(most - least > SPARE_DESCRIPTORS for least, most in opened if most is not None)
    flat = growth is not None and max(growth, server or 0.0) <= FLAT_PCT and not leaks
    also = flat and all(r.values["reconciled"] for r in ours)
    seconds = ours[0].values["soak_s"] if ours else 0.0
    values = {SESSION: unexplained if known else None}
    figure = f"soak of {seconds / 60:.0f} min, unexplained"
    line = _line(records, "soak", "soak", figure, "", values, 0.0, 0.0, also, aimed=seconds >= 3600)
    if growth is not None:
        line.notes.append(
            f"memory {growth:+.2f} % after the ramp (must: within {FLAT_PCT:g} %); aim: the same for 1 hour"
        )
    if server is not None:
        rise = max((most - least for least, most in opened if most is not None), default=0)
        line.notes.append(f"the server's memory {server:+.2f} %; descriptors of both within {rise}")
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
    return judged(
        ROSTER, records, experiment, key, figure, unit, values, must, aim, title=title, also=also, aimed=aimed
    )
