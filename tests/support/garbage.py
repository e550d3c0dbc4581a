"""Hypothesis strategies for messages of workers: data of any shape, and messages that have the right form."""

from dataclasses import fields
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import msgpack
from hypothesis import strategies as st

from rawsocket.master.messages import rules
from rawsocket.measurement.report import LATEST_S, MOST, MOST_AT_ONCE, Pairs, Report, Wire

NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats() | st.sampled_from((-1, 0, 1, MOST, MOST + 1, MOST_AT_ONCE))
SCALARS = st.none() | st.booleans() | NUMBERS | st.text(max_size=8) | st.binary(max_size=8)
KEYS = st.text(max_size=8) | st.integers(-9, 2**40) | st.sampled_from(("__datetime__", "__ObjectId__", "as_str"))
#: What msgpack can carry.
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
COUNTS = st.integers(0, 9) | st.sampled_from((0, 1, MOST))
FLOATS = st.floats(-MOST, MOST) | st.integers(0, 9)
MOMENTS = st.floats(0, LATEST_S) | st.just(LATEST_S)
NAMES = st.text(max_size=6) | st.sampled_from(("message", "connect", "reset", "refused", "TCP"))


def of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a report's type, as they are on the wire."""
    if kind == Pairs:
        at_once = st.integers(0, 9) | st.just(MOST_AT_ONCE)
        return st.lists(st.tuples(st.integers(-MOST, MOST), at_once).map(list), max_size=3)
    if isinstance(kind, UnionType):
        return st.none() | of(get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, Wire):
        hints = get_type_hints(kind)
        return st.fixed_dictionaries({part.name: of(hints[part.name]) for part in fields(kind)})  # type: ignore[arg-type]
    container = get_origin(kind)
    if container is list:
        return st.lists(of(get_args(kind)[0]), max_size=2)
    if container is dict:
        return st.dictionaries(*map(of, get_args(kind)), max_size=2)
    return {int: COUNTS, float: FLOATS, str: NAMES, bool: st.booleans()}[kind]


REPORTS = of(Report)
_ROW: dict[str, st.SearchStrategy[Any]] = {
    "name": NAMES, "method": st.none() | NAMES, "last_request_timestamp": st.none() | MOMENTS, "start_time": MOMENTS,
    "num_requests": COUNTS, "num_none_requests": COUNTS, "num_failures": COUNTS, "total_response_time": FLOATS,
    "max_response_time": FLOATS, "min_response_time": st.none() | FLOATS, "total_content_length": FLOATS,
    "response_times": st.dictionaries(FLOATS, COUNTS, max_size=3),
    "num_reqs_per_sec": st.dictionaries(COUNTS, COUNTS, max_size=3),
    "num_fail_per_sec": st.dictionaries(COUNTS, COUNTS, max_size=3),
}  # fmt: skip
_ERROR: dict[str, st.SearchStrategy[Any]] = {
    "name": NAMES, "method": st.none() | NAMES, "error": NAMES, "occurrences": COUNTS,
    "first_seen": st.none() | MOMENTS,
    "last_seen": st.none() | MOMENTS,
}  # fmt: skip
_USERS: dict[str, st.SearchStrategy[Any]] = {
    "user_classes_count": st.dictionaries(NAMES, COUNTS, max_size=2),
    "user_count": COUNTS,
}
_STATS: dict[str, st.SearchStrategy[Any]] = {
    **_USERS,
    "stats": st.lists(st.fixed_dictionaries(_ROW), max_size=2),
    "stats_total": st.fixed_dictionaries(_ROW),
    "errors": st.dictionaries(NAMES, st.fixed_dictionaries(_ERROR), max_size=2),
    "holdfast": REPORTS | ANYTHING,
}
#: Data that rules.py accepts, by the message's type; of those that carry figures.
WELL_FORMED: dict[str, st.SearchStrategy[Any]] = {
    "client_ready": st.just("2.47.0") | NAMES.filter(bool),
    "heartbeat": st.fixed_dictionaries(
        {"state": st.sampled_from(sorted(rules.STATES)), "current_cpu_usage": FLOATS, "current_memory_usage": FLOATS}
    ),
    "stats": st.fixed_dictionaries(_STATS),
    "spawning": ANYTHING,
    "spawning_complete": st.fixed_dictionaries(_USERS),
    "logs": st.fixed_dictionaries({"worker_id": NAMES, "logs": st.lists(NAMES, max_size=2)}),
    "exception": st.fixed_dictionaries({"msg": NAMES, "traceback": NAMES}),
    "holdfast_numbers_wanted": st.fixed_dictionaries({"run": COUNTS, "want": COUNTS, "back": st.lists(COUNTS)}),
    "holdfast_stopping": REPORTS,
    "holdfast_final": REPORTS,
}
KINDS = st.sampled_from(sorted(rules.MESSAGES)) | st.text(max_size=5)
#: (type, data) of messages whose data have any shape, or the right one, or the right one with one field replaced.
MESSAGES = (
    st.tuples(KINDS, ANYTHING)
    | st.sampled_from(sorted(WELL_FORMED)).flatmap(lambda kind: st.tuples(st.just(kind), WELL_FORMED[kind]))
    | st.sampled_from(sorted(WELL_FORMED)).flatmap(lambda kind: st.tuples(st.just(kind), _spoilt(WELL_FORMED[kind])))
)


def _spoilt(data: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(_with, data, st.integers(0, 99), ANYTHING, st.integers(0, 3))


def _with(data: Any, place: int, value: Any, depth: int) -> Any:
    if not isinstance(data, dict) or not data:
        return value
    names = list(data)
    name = names[place % len(names)]
    return {**data, name: _with(data[name], place // 3, value, depth - 1) if depth else value}


def packed(kind: Any, data: Any, sender: Any) -> bytes:
    """The bytes of a message."""
    return bytes(msgpack.dumps((kind, data, sender)))
