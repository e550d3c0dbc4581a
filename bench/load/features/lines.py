"""Pure: the lines of the rows that measure what a feature costs.

They are reported; only memory over TLS has an aim, and a conversation has a limit.
"""

from collections.abc import Sequence
from dataclasses import replace

from bench.results.line import AIM, REPORTED, UNKNOWN, Line, Roster, judged, number
from bench.results.record import Record, median, of

TLS_KB = 25.0
CONVERSATION = 1.1  # times a session in Python: the most that a conversation may cost
CAPTION = "One worker process over loopback"
NOT_JUDGED = "; reported, not judged"


def tls(roster: Roster, records: Sequence[Record]) -> list[Line]:
    """Return the three lines of TLS: CPU per message, memory per connection, handshakes."""
    return [
        _times(roster, records, "tls", "TLS, CPU per message", "CPU per message over TLS", "plain TCP"),
        _memory(roster, records),
        _handshakes(roster, records),
    ]


def ids(roster: Roster, records: Sequence[Record]) -> list[Line]:
    """Return the line of replies that are matched by key."""
    title = "CPU per message, replies matched by key"
    return [_times(roster, records, "ids", "replies by key, CPU per message", title, "by order")]


def heartbeats(roster: Roster, records: Sequence[Record]) -> list[Line]:
    """Return the line of heartbeats."""
    title = "CPU per heartbeat"
    return [_times(roster, records, "heartbeats", "heartbeats, CPU each", title, "sent by the session")]


def conversation(roster: Roster, records: Sequence[Record]) -> list[Line]:
    """Return the lines of a conversation, relative to a session in Python: CPU per message, memory per connection."""
    title = "CPU per message of a conversation"
    cpu = _times(roster, records, "conversation", "conversation, CPU per message", title, "in Python", CONVERSATION)
    held = of(records, "conversation held", roster.ours)
    figure, title = "conversation, memory per connection", "User memory per connection of a conversation"
    times, key = median(held, "times"), "conversation memory"
    memory = _line(roster, records, "conversation held", key, figure, "x", times, title, must=CONVERSATION)
    if (kb := median(held, "kb")) is not None:
        memory.shown[roster.ours] += f", {number(kb, 'KB')}"
    return [cpu, memory]


def _times(
    roster: Roster,
    records: Sequence[Record],
    key: str,
    figure: str,
    title: str,
    without: str,
    must: float | None = None,
) -> Line:
    """Return a line relative to the same load without the feature: the median of the ratios of the trials."""
    ours = of(records, key, roster.ours)
    found, before = median(ours, "us"), median(ours, "without_us")
    line = _line(roster, records, key, key, figure, "x", median(ours, "times"), title, must=must)
    line.notes.append(f"x: relative to {without}, the median of the trials")
    if found is None or before is None:
        return line
    line.shown[roster.ours] += f", {found:.1f} µs"
    bars = [(roster.labels[roster.ours], found, number(found, "µs")), (without, before, number(before, "µs"))]
    return replace(line, bars=bars)


def _memory(roster: Roster, records: Sequence[Record]) -> Line:
    kb = median(of(records, "tls held", roster.ours), "kb")
    figure, title = "TLS, memory per held connection", "User memory per held connection over TLS"
    line = _line(roster, records, "tls held", "tls memory", figure, "KB", kb, title, TLS_KB)
    return replace(line, outcome=AIM) if kb is not None and kb <= TLS_KB else line


def _handshakes(roster: Roster, records: Sequence[Record]) -> Line:
    ours = of(records, "tls handshakes", roster.ours)
    figure, title = "TLS handshakes of one worker", "TLS handshakes of one worker"
    line = _line(roster, records, "tls handshakes", "tls handshakes", figure, "/s", median(ours, "per_cpu_s"), title)
    line.notes.append("per second of CPU, each with a connect, one message and a close; more is better")
    if (per_s := median(ours, "per_s")) is not None:
        line.notes.append(f"with the server on the same machine, {number(per_s, '')} a second were made")
    return replace(line, caption="More is better; reported, not judged")


def _line(
    roster: Roster,
    records: Sequence[Record],
    experiment: str,
    key: str,
    figure: str,
    unit: str,
    value: float | None,
    title: str,
    aim: float | None = None,
    must: float | None = None,
) -> Line:
    line = judged(roster, records, experiment, key, figure, unit, {roster.ours: value}, must, aim, title=title)
    if must is not None:
        return replace(line, caption=CAPTION)
    return replace(line, outcome=UNKNOWN if value is None else REPORTED, caption=CAPTION + NOT_JUDGED)
