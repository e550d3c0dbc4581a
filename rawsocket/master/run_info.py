"""The description of a run: what was asked for, without its figures; and how many connections it is to hold."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from locust.env import Environment

from rawsocket.settings import options
from rawsocket.settings.plan import Plan
from rawsocket.settings.table import DEFAULT_LAG_LIMIT_MS
from rawsocket.shapes import scenario
from rawsocket.shapes.shape import Shape


@dataclass
class RunInfo:
    """The description of a run, without its figures; times in seconds, sizes in bytes, ISO 8601 in UTC."""

    scenario: str = ""
    users: int = 0
    rate: float = 0.0
    time_s: float | None = None
    workers: int = 0
    target: str = ""
    every_s: float | None = None
    size_bytes: int | None = None
    framing: str = ""
    app: str = ""
    max_lag_ms: float = DEFAULT_LAG_LIMIT_MS
    started_utc: str = ""
    ended_utc: str = ""
    shape: str = ""  # the class of the load shape that the run follows
    steady_from_s: float | None = None
    steady_s: float = 0.0


def describe(environment: Environment, plan: Plan) -> RunInfo:
    """Return the description of a run that starts now. Under a load shape users and rate are those of its steps."""
    parsed, shape = environment.parsed_options, environment.shape_class or own_shape(environment)
    return RunInfo(
        scenario=plan.scenario,
        users=0 if shape else int(getattr(parsed, "num_users", None) or plan.users),
        rate=0.0 if shape else float(getattr(parsed, "spawn_rate", None) or plan.rate),
        time_s=plan.time_s if plan.headless and not shape else None,
        workers=plan.workers,
        target=environment.host or plan.target,
        every_s=options.value(parsed, "every"),
        size_bytes=options.value(parsed, "size"),
        framing=options.value(parsed, "framing"),
        app=options.value(parsed, "app"),
        max_lag_ms=options.value(parsed, "max_lag_ms"),
        shape=type(shape).__name__ if shape else "",
        started_utc=utc(),
    )


def own_shape(environment: Environment) -> Shape | None:
    """Return the load shape that the user classes declare (`shape = Steps(...)`), None without one.

    Locust's own `--headless`, which `python -m rawsocket` never uses, decides on users and time by itself.
    """
    if getattr(environment.parsed_options, "headless", False):
        return None
    return scenario.of_classes(environment.user_classes)


def utc() -> str:
    """Return the time in UTC, ISO 8601, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def folder(plan: Plan) -> str:
    """Return where the artefacts of a run go that starts now, "" for nowhere."""
    if not plan.runs or plan.headless or not plan.run_folders:
        return plan.runs
    return str(Path(plan.runs) / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-page")


def wall_s() -> float:
    """Return the seconds of the wall clock."""
    return datetime.now(UTC).timestamp()


def min_held(environment: Environment, plan: Plan) -> float | None:
    """Return the MIN_HELD that overrides the flag: all connections, if our headless run holds and the flag is unset.

    Under a load shape that is inf: as many as the users of each second hold, see Run.held_floor(). One of ours expects
    them on the page as well, because the time of a level starts when it is held.
    """
    holds, shape = all(getattr(user, "holds", False) for user in environment.user_classes), own_shape(environment)
    if not (plan.ours and plan.headless):
        given = getattr(environment.parsed_options, "min_held", None)
        return math.inf if shape and holds and not given else None
    if plan.min_held is not None:
        return plan.min_held
    if not holds:
        return 0
    return math.inf if environment.shape_class or shape else plan.users * least_per_user(environment)


def too_much_to_hold(environment: Environment, plan: Plan) -> str:
    """Return why our headless run can't reach its MIN_HELD, "" if it can; a LoadTestShape doesn't say its users."""
    shape = own_shape(environment)
    users, named = (shape.most_users, "the load shape's") if shape else (plan.users, f"USERS={plan.users}")
    each = max(map(per_user, environment.user_classes), default=1)
    if plan.min_held is None or environment.shape_class or plan.min_held <= users * each:
        return ""
    holds = "one connection" if each == 1 else f"{each} connections"
    whose, remedy = (f"{named} {users} users", "it or raise the shape") if shape else (named, "MIN_HELD or raise USERS")
    return f"MIN_HELD={plan.min_held} is above what {whose} can hold: one user holds {holds}; lower {remedy}"


def per_user(user_class: Any) -> int:
    """Return how many connections a user of a class holds."""
    return int(getattr(user_class, "connections_per_user", 1))


def least_per_user(environment: Environment) -> int:
    """Return how many connections each user holds at least."""
    return min(map(per_user, environment.user_classes), default=1)
