"""Pure: what the data of each message of a worker must look like, Locust's own messages and ours.

Rules:

- A check returns nothing, or raises ReportError, which names the field.
- Numbers are finite and within MOST: what the master adds up stays a number that JSON and the histograms can hold.
- Fields that are not named here are allowed in Locust's messages: another patch release may send more.
- Our reports are checked where they become objects, see measurement/report.py.
"""

from collections.abc import Callable, Mapping
from typing import Any

from rawsocket.measurement.report import LATEST_S, MOST, Limits, ReportError, is_count, is_number

Check = Callable[[Any, str], None]
#: The states that a worker can say it is in; Locust's `missing` is only ever said by the master.
STATES = frozenset(("ready", "spawning", "running", "cleanup", "stopping", "stopped"))


# -- kinds of values --------------------------------------------------------------------------------------------------


def anything(value: Any, where: str) -> None:
    """Allow any value: nothing reads it."""


def text(value: Any, where: str) -> None:
    """Demand a text."""
    _demand(type(value) is str, where, "a text")


def count(value: Any, where: str) -> None:
    """Demand a whole number, 0 or more."""
    _demand(is_count(value), where, f"a whole number from 0 to {MOST}")


def number(value: Any, where: str) -> None:
    """Demand a finite number."""
    _demand(is_number(value), where, "a finite number")


def moment(value: Any, where: str) -> None:
    """Demand a time of the wall clock, in seconds."""
    _demand(is_number(value) and 0 <= value <= LATEST_S, where, "a time")


def state(value: Any, where: str) -> None:
    """Demand the name of a worker's state."""
    _demand(type(value) is str and value in STATES, where, f"one of {', '.join(sorted(STATES))}")


def version(value: Any, where: str) -> None:
    """Demand Locust's version, or the -1 of a worker that is not to be warned of."""
    _demand(type(value) is str or value == -1, where, "a version")


def optional(check: Check) -> Check:
    """Allow None as well."""

    def checked(value: Any, where: str) -> None:
        if value is not None:
            check(value, where)

    return checked


def each(check: Check) -> Check:
    """Demand a list of such values."""

    def checked(value: Any, where: str) -> None:
        _demand(type(value) is list, where, "a list")
        for one in value:
            check(one, f"{where}[]")

    return checked


def table(key: Check, check: Check) -> Check:
    """Demand a mapping of such keys to such values."""

    def checked(value: Any, where: str) -> None:
        _demand(type(value) is dict, where, "a mapping")
        for name, one in value.items():
            key(name, f"a key of {where}")
            check(one, f"{where}[...]")

    return checked


def record(checks: Mapping[str, Check]) -> Check:
    """Demand a mapping with these fields."""

    def checked(value: Any, where: str) -> None:
        _demand(type(value) is dict, where, "a mapping")
        for name, check in checks.items():
            if name in value:
                check(value[name], f"{where}.{name}")
            else:
                _demand(check in MAY_BE_MISSING, f"{where}.{name}", "there")

    return checked


def _limits(value: Any, where: str) -> None:
    Limits.from_wire(value, where)


def _demand(met: bool, where: str, what: str) -> None:
    if not met:
        raise ReportError(f"{where} must be {what}")


# -- the messages -----------------------------------------------------------------------------------------------------

_memory = optional(number)
MAY_BE_MISSING = (_memory,)
_moment = optional(moment)
_stats_row = record(
    {
        "name": text, "method": optional(text), "last_request_timestamp": _moment, "start_time": moment,
        "num_requests": count, "num_none_requests": count, "num_failures": count, "total_response_time": number,
        "max_response_time": number, "min_response_time": optional(number), "total_content_length": number,
        "response_times": table(number, count), "num_reqs_per_sec": table(count, count),
        "num_fail_per_sec": table(count, count),
    }
)  # fmt: skip
_error = record(
    {
        "name": text, "method": optional(text), "error": text, "occurrences": count, "first_seen": _moment,
        "last_seen": _moment,
    }
)  # fmt: skip
_users = {"user_classes_count": table(text, count), "user_count": count}
_message = record({"message": text})

#: Locust's own messages.
LOCUSTS: dict[str, Check] = {
    "client_ready": version,
    "client_stopped": anything,
    "exception": record({"msg": text, "traceback": text}),
    "heartbeat": record({"state": state, "current_cpu_usage": number, "current_memory_usage": _memory}),
    "locustfile": record({"version": optional(text)}),
    "logs": record({"worker_id": text, "logs": each(text)}),
    "quit": anything,
    "spawning": anything,
    "spawning_complete": record(_users),
    "stats": record({**_users, "stats": each(_stats_row), "stats_total": _stats_row, "errors": table(text, _error)}),
}
#: Ours; see worker/agent.py and identity/number_allocator.py.
OURS: dict[str, Check] = {
    "holdfast_fault": _message,
    "holdfast_final": table(text, anything),
    "holdfast_limits": _limits,
    "holdfast_numbers_wanted": record({"run": count, "want": count, "back": each(count)}),
    "holdfast_refused": _message,
    "holdfast_stopping": table(text, anything),
}
MESSAGES = LOCUSTS | OURS
#: A sender that never said `client_ready` is no worker of this master: what it says of users and figures is ignored.
FROM_ANYONE = frozenset(("client_ready", "client_stopped", "heartbeat", "locustfile", "quit", "spawning"))


def check(kind: str, data: Any) -> None:
    """Check the data of a message; those of a scenario's own messages may be anything. Raises ReportError."""
    MESSAGES.get(kind, anything)(data, kind)
