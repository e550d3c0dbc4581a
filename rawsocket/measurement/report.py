"""The report that a worker sends to the master every second. Pure; both sides import this file.

Rules:

- Counts are absolute since the run began, so the latest report replaces the one before it. The lists of times
  (`RowReport.times`, `Lag.lags`) have only those since the previous report.
- `to_wire()` returns types that msgpack supports, `from_wire()` turns them back into a report.
- A report has exactly the fields of its types. A missing field, an unknown one or a value of another type means that
  the sender runs another version of this library: `from_wire()` raises ReportError with the field's name.
- Numbers are finite and within MOST, whole ones are 0 or more; only times may be below 0, because clocks are adjusted.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from types import UnionType
from typing import Any, Self, get_args, get_origin, get_type_hints

# [[microseconds, count], ...]
Pairs = list[list[int]]
Table = dict[str, int]
MOST = 1 << 53  # JSON's numbers are exact up to here
LATEST_S = 253_402_214_400  # the last day of the year 9999, the last that can be written as a date
MOST_AT_ONCE = 10**12  # of one value of a histogram, which adds up 64 bits


class ReportError(ValueError):
    """The data is not a report of this version of the library; the message names the field."""


def is_count(value: Any) -> bool:
    """Return whether a value from the wire is a whole number that can be added up."""
    return type(value) is int and 0 <= value <= MOST


def is_number(value: Any) -> bool:
    """Return whether a value from the wire is a finite number within bounds."""
    return type(value) in (int, float) and -MOST <= value <= MOST


class Wire:
    """Conversion to and from a mapping of the fields, which msgpack supports."""

    __slots__ = ()

    def to_wire(self) -> dict[str, Any]:
        """Return a mapping of the fields; lists of numbers are shared, not copied."""
        return {name: _to_wire(getattr(self, name)) for name in _types(type(self))}

    @classmethod
    def from_wire(cls, value: Any, where: str = "report") -> Self:
        """Check the mapping and return the object; raises ReportError."""
        if not isinstance(value, Mapping):
            raise ReportError(f"{where} must be a mapping")
        types = _types(cls)
        for name in types.keys() - value.keys():
            raise ReportError(f"{where}.{name} is missing")
        for name in value.keys() - types.keys():
            raise ReportError(f"{where}.{name} is not known")
        made = cls(**{name: _from_wire(kind, value[name], f"{where}.{name}") for name, kind in types.items()})
        made.check(where)
        return made

    def check(self, where: str) -> None:
        """Raise ReportError for values that their types allow and that mean nothing."""


class Summable:
    """Counts that can be added up: numbers by field, tables by name."""

    __slots__ = ()

    def __add__(self, other: Self) -> Self:
        return type(self)(*(_sum(getattr(self, name), getattr(other, name)) for name in _types(type(self))))


@dataclass(frozen=True, slots=True)
class Sessions(Wire, Summable):
    """Sessions of users."""

    begun: int = 0
    ended: int = 0


@dataclass(frozen=True, slots=True)
class Goodbyes(Wire, Summable):
    """Goodbyes of users that were stopped; `said`: to their end, not cut off by their time limit or by a failure."""

    begun: int = 0
    said: int = 0


@dataclass(frozen=True, slots=True)
class Connections(Wire, Summable):
    """Connections by how they ended; the rules are in recorder.py."""

    attempted: int = 0
    connected: int = 0
    failed: Table = field(default_factory=dict)
    dropped: Table = field(default_factory=dict)
    reconnects: int = 0
    closed: int = 0
    abandoned: int = 0
    unproven: int = 0


@dataclass(frozen=True, slots=True)
class Messages(Wire, Summable):
    """Messages by how they ended; the rules are in recorder.py."""

    due: int = 0
    sent: int = 0
    answered: int = 0
    wrong: int = 0
    late: int = 0
    unanswered: int = 0
    unsent: Table = field(default_factory=dict)
    unanswered_by: Table = field(default_factory=dict)
    cut: int = 0
    pushed: int = 0
    oneway: int = 0
    unread_pushes: int = 0

    @property
    def delivered(self) -> int:
        """Messages that were answered, or that were sent and need no reply."""
        return self.answered + self.oneway


@dataclass(frozen=True, slots=True)
class Bytes(Wire, Summable):
    """Payload bytes."""

    sent: int = 0
    received: int = 0


@dataclass(frozen=True, slots=True)
class Counts(Wire, Summable):
    """All counts of one worker, or of several added up. `held` connections are open now; `failures` are of all rows."""

    held: int = 0
    sessions: Sessions = field(default_factory=Sessions)
    connections: Connections = field(default_factory=Connections)
    messages: Messages = field(default_factory=Messages)
    bytes: Bytes = field(default_factory=Bytes)
    failures: int = 0
    goodbyes: Goodbyes = field(default_factory=Goodbyes)


@dataclass(frozen=True, slots=True)
class RowTimes(Wire):
    """Times of a row's successes that are new: from sent, from due, from sent to the first byte; its waits."""

    sent: Pairs = field(default_factory=list)
    due: Pairs = field(default_factory=list)
    first: Pairs = field(default_factory=list)
    wait: Pairs = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RowReport(Wire):
    """One row of the statistics: all events of one name; `judged`: its times count in what is judged by default.

    `again`: how many of its requests count in another row as well, and `again_bytes` of its bytes.
    """

    type: str
    name: str
    requests: int = 0
    failures: Table = field(default_factory=dict)
    bytes: int = 0
    times: RowTimes = field(default_factory=RowTimes)
    judged: bool = True
    again: int = 0
    again_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Overdue(Wire):
    """Messages that were due and had no reply when stop was asked; see overdue.py.

    `rows`: age since due, by row name; `owed`: how long each reply had been outstanding.
    """

    count: int = 0
    oldest_s: float = 0.0
    rows: dict[str, Pairs] = field(default_factory=dict)
    owed: Pairs = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ArrivalTimes(Wire):
    """First connects of users, and when (monotonic clock of the worker) the first and the last opened."""

    count: int = 0
    first_s: float = 0.0
    last_s: float = 0.0


@dataclass(frozen=True, slots=True)
class StormReport(Wire):
    """One storm, identified by its time (seconds of the wall clock): sessions dropped, back, seconds until the last."""

    moment: int
    dropped: int = 0
    back: int = 0
    back_s: float = 0.0

    def check(self, where: str) -> None:
        """Demand a moment that can be shown."""
        if self.moment > LATEST_S:
            raise ReportError(f"{where}.moment must be a time")


@dataclass(frozen=True, slots=True)
class Lag(Wire):
    """How late the worker's own timers were, and the CPU time that it did not get.

    `lags` and `worst_us` are since the previous report, the rest is absolute: `turns` of the hub; `steal_s`: seconds
    that the host stole from all `cpus` together (None: unknown); `throttled_s`: seconds for which the CPU limit held
    the worker back; `cpu_limit` in cores (None: no limit); `late_s`: seconds for which the worker was more than a tick
    late; `late_cpu_s`: the CPU time that it used meanwhile.
    """

    lags: Pairs = field(default_factory=list)
    worst_us: int = 0
    turns: int = 0
    steal_s: float | None = None
    throttled_s: float | None = None
    cpu_limit: float | None = None
    cpus: int = 1
    late_s: float = 0.0
    late_cpu_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Limits(Wire):
    """The limits of one worker: descriptors, ports, memory in KB; `net` and `memory` name the shared pools."""

    descriptors: int
    ports: int
    memory_kb: int
    net: str = ""
    memory: str = ""


@dataclass(frozen=True, slots=True)
class ScenarioError(Wire):
    """Exceptions of one type, raised at one place of the scenario; see scenario_errors.py. `message`: the first one's.

    `library`: no line of the scenario was in the traceback.
    """

    type: str
    where: str
    message: str
    count: int = 0
    library: bool = False


@dataclass(frozen=True, slots=True)
class Report(Wire):
    """All figures of one worker. `cpu_s` and `wall_s` are seconds of its own CPU clock and monotonic clock.

    `run` and `seq` number the worker's runs and the reports of a run; `final`: all its users have ended. `examples` has
    an example of a wrong reply for each failure. Connections open now: `silent` without any byte that has arrived;
    `outstanding` with a reply that is awaited for alerts.SILENT_S or more, the oldest for `outstanding_s`. `lag` and
    `limits` are None, and these are 0, in a process without an agent.
    """

    run: int = 0
    seq: int = 1
    final: bool = False
    cpu_s: float = 0.0
    wall_s: float = 0.0
    counts: Counts = field(default_factory=Counts)
    examples: dict[str, str] = field(default_factory=dict)
    overdue: Overdue = field(default_factory=Overdue)
    arrivals: ArrivalTimes = field(default_factory=ArrivalTimes)
    storms: list[StormReport] = field(default_factory=list)
    rows: list[RowReport] = field(default_factory=list)
    silent: int = 0
    outstanding: int = 0
    outstanding_s: float = 0.0
    lag: Lag | None = None
    limits: Limits | None = None
    scenario_errors: list[ScenarioError] = field(default_factory=list)


def total(counts: Iterable[Counts]) -> Counts:
    """Add up the counts of several workers."""
    return sum(counts, start=Counts())


_known: dict[type, dict[str, Any]] = {}


def _types(kind: Any) -> dict[str, Any]:
    """Return the types of a dataclass's fields by name; looking them up is slow, so they are cached."""
    if kind not in _known:
        hints = get_type_hints(kind)
        _known[kind] = {part.name: hints[part.name] for part in fields(kind)}
    return _known[kind]


def _sum(one: Any, other: Any) -> Any:
    if isinstance(one, dict):
        return one | {name: one.get(name, 0) + count for name, count in other.items()}
    return one + other


def _to_wire(value: Any) -> Any:
    if isinstance(value, Wire):
        return value.to_wire()
    if isinstance(value, list) and value and isinstance(value[0], Wire):
        return [part.to_wire() for part in value]
    return value


def _from_wire(kind: Any, value: Any, where: str) -> Any:
    if isinstance(kind, UnionType):  # only ever `something | None`
        return None if value is None else _from_wire(get_args(kind)[0], value, where)
    if isinstance(kind, type) and issubclass(kind, Wire):
        return kind.from_wire(value, where)
    if kind is float and is_number(value):
        return float(value)
    if kind == Pairs:
        return _pairs(value, where)
    container = get_origin(kind) or kind
    if type(value) is not container:
        raise ReportError(f"{where} must be of type {container.__name__}")
    if (kind is int and not is_count(value)) or kind is float:
        raise ReportError(f"{where} must be {'finite' if kind is float else f'from 0 to {MOST}'}")
    if container is list:
        return [_from_wire(get_args(kind)[0], part, f"{where}[]") for part in value]
    if container is dict:
        key, part = get_args(kind)
        return {_from_wire(key, name, where): _from_wire(part, one, f"{where}.{name}") for name, one in value.items()}
    return value


def _pairs(value: Any, where: str) -> Pairs:
    with suppress(TypeError, ValueError):
        if type(value) is list and all(
            type(us) is int and type(number) is int and -MOST <= us <= MOST and 0 <= number <= MOST_AT_ONCE
            for us, number in value
        ):
            return value
    raise ReportError(f"{where} must be a list of pairs of whole numbers")
