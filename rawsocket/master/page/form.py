"""The start form: its fields in groups with labels, and what the page answers to a start that can't be meant.

Locust makes the form from its options and has no place for labels: it makes them from the options' names, such as
"Max P9 9Ms" for max_p99_ms. So the page gets the groups, labels and help in its template arguments, and
static/form.js puts them in place.

Locust's page also turns the names of the options into others and back, and loses digits on the way: it sends
`max_p9_9ms` for max_p99_ms, which Locust ignores. `named_as_meant` undoes that.

A start is refused if it can't work. It is answered with a warning if it may be a mistake; starting again confirms it.
Scripts get no warnings: they can't press Start again.
"""

import argparse
import math
import re
import time
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

from locust.util.timespan import parse_timespan

from rawsocket.master import run_info
from rawsocket.master.controller import RunController
from rawsocket.master.page import malformed, request_guard
from rawsocket.settings.declared import DECLARED
from rawsocket.settings.options import BY_NAME, DEFAULTS
from rawsocket.settings.row import Setting
from rawsocket.settings.table import STEADY_AFTER_S, THRESHOLDS
from rawsocket.shapes.shape import Shape

USERS_DO, PACE, LIMITS, SCENARIO = "What users do", "Pace", "Thresholds", "The scenario's own settings"
#: The label of each field and its group, in the order of the form. A percentile's label is made from its name.
LABELS = {
    "size": (USERS_DO, "Size of a message (bytes)"),
    "timeout": (USERS_DO, "Timeout (s)"),
    "app": (USERS_DO, "Expected answer"),
    "framing": (USERS_DO, "Framing"),
    "every": (PACE, "Time between messages (s)"),
    "pace": (PACE, "Pace"),
    "arrivals": (PACE, "Connects"),
    "max_p99_ms": (LIMITS, "p99 at most (ms)"),
    "max_failures": (LIMITS, "Failures at most"),
    "min_held": (LIMITS, "Held at least"),
    "min_messages_s": (LIMITS, "Messages a second at least"),
    "max_silent_connections": (LIMITS, "Connections without a byte at most"),
    "max_lag_ms": (LIMITS, "A worker's lag at most (ms)"),
}
#: Settings that users and server must agree on. The lab's own server follows them only when it is started.
OF_THE_SERVER = ("app", "framing")
#: Settings that only the lab's own sessions follow; a conversation says itself what it is.
OF_LAB_SESSIONS = ("app", "every", "framing", "pace", "size")
CONFIRM_S = 120.0
BEGINS_S = 15.0  # a start that was accepted and has not begun by then has failed


# -- the fields -------------------------------------------------------------------------------------------------------


def fields(
    options: Mapping[str, Any], of_server: Mapping[str, str], without_effect: Container[str] = ()
) -> list[dict[str, str]]:
    """Return the fields in their order: {input, group, label, help, default}; `input` is the name in Locust's form.

    `options` are Locust's, by name. Settings that the lab's server follows only when it is started are left out, and
    those `without_effect`.
    """
    names = [name for name in _ordered(options) if name not in without_effect]
    found = [_field(name, options[name]) for name in names if not (name in OF_THE_SERVER and of_server)]
    order = [USERS_DO, SCENARIO, PACE, LIMITS]
    return sorted(found, key=lambda field: order.index(field["group"]))


def without_effect(user_classes: Iterable[Any]) -> set[str]:
    """Return the settings that conversations don't use; none if any user class is written in Python."""
    used = [getattr(user_class, "settings_used", OF_LAB_SESSIONS) for user_class in user_classes]
    return set(OF_LAB_SESSIONS).difference(*used) if used else set()


def _ordered(options: Mapping[str, Any]) -> list[str]:
    known = [name for name in LABELS if name in options]
    return known + [name for name in options if name not in LABELS]


def _field(name: str, option: Any) -> dict[str, str]:
    row = DECLARED.get(name) or BY_NAME.get(name)
    group, label = LABELS.get(name) or _made(name)
    return {
        "name": name,
        "input": as_input(name),
        "group": group,
        "label": label,
        "help": _sentence(row.help.removeprefix("threshold: ")) if row else "",
        "default": _default(row) if row else "",
    }


def _made(name: str) -> tuple[str, str]:
    """Return group and label of a field without an entry above."""
    if match := re.fullmatch(r"max_(p[\d_]+)_ms", name):
        return LIMITS, f"{match[1].replace('_', '.')} at most (ms)"
    words = name.replace("_", " ").capitalize()
    group = LIMITS if name in {row.name for row in THRESHOLDS} else USERS_DO if name in BY_NAME else SCENARIO
    return group, words


def _default(row: Setting) -> str:
    unset = str(DEFAULTS[row.name]) if row.name in DEFAULTS else "unset"
    return row.shown or row.default or unset


def _sentence(text: str) -> str:
    return text if re.match(r"p\d", text) else text[:1].upper() + text[1:]


def as_input(name: str) -> str:
    """Return the name that a field has in Locust's page: max_p99_9_ms becomes maxP999Ms."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def as_sent(name: str) -> str:
    """Return the name under which Locust's page sends a field: max_p99_ms becomes max_p9_9ms."""
    return re.sub(r"([a-z0-9])([A-Z0-9])", r"\1_\2", as_input(name)).lower()


def named_as_meant(form: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return a form with the options' own names, without what no start sets."""
    meant = {as_sent(name): name for name in names}
    return malformed.known({meant.get(name, name): value for name, value in form.items()})


# -- a start ----------------------------------------------------------------------------------------------------------


Check = Callable[[RunController], str | None]


class Starts:
    """Answers to requests for a start; it has the last form that was accepted.

    `check` plays the scenario once, if that is asked for: it returns why no run may start, or None.
    """

    def __init__(self, controller: RunController, check: Check = lambda controller: None) -> None:
        self._controller = controller
        self._check = check
        self._warned: tuple[str, float] = ("", -math.inf)
        self._run_before: object = None
        self._until = -math.inf
        self.last: dict[str, str] = {}

    def answer(self, form: Mapping[str, str], asked_by_page: bool) -> str | None:
        """Return why a start is refused, or what to think about before it is confirmed; None: it may start."""
        if refused := refusal(self._controller, form):
            return refused
        said = " ".join(warnings(self._controller, form)) if asked_by_page else ""
        if not said or (said == self._warned[0] and time.monotonic() < self._warned[1]):
            self._warned = "", -math.inf
            return None if self._controller.run.running else self._check(self._controller)
        self._warned = said, time.monotonic() + CONFIRM_S
        return f"{said} Press Start again to start it all the same."

    def accepted(self, form: Mapping[str, str]) -> None:
        """Note that Locust has taken a start: the run begins in a moment."""
        self.last = dict(form)
        self._run_before, self._until = self._controller.run, time.monotonic() + BEGINS_S

    @property
    def beginning(self) -> bool:
        """Whether a start was accepted and its run has not begun yet."""
        controller = self._controller
        begun = controller.run is not self._run_before and controller.run.started_at is not None
        return not begun and not controller.run.running and time.monotonic() < self._until


def refusal(controller: RunController, form: Mapping[str, str]) -> str | None:
    """Return why the values in the start form can't be used, or None."""
    if foreign := request_guard.foreign(form.get("host", ""), controller.plan.target):
        return foreign
    rows: dict[str, Setting] = {**BY_NAME, **DECLARED}
    options = vars(controller.environment.parsed_options or argparse.Namespace())
    if wrong := malformed.start(form, {name: value for name, value in options.items() if name not in rows}):
        return wrong
    for name in sorted(rows.keys() & form.keys()):
        try:
            rows[name].parse(form[name])
        except ValueError as error:
            return str(error)
    return _unfollowed(controller, form) or _users_refused(controller, form)


def _unfollowed(controller: RunController, form: Mapping[str, str]) -> str | None:
    follows = of_server(controller)
    for name in OF_THE_SERVER:
        wanted, is_now = form.get(name), follows.get(name)
        if wanted and is_now and wanted != is_now:
            variable = BY_NAME[name].variable
            return f"the running server has {variable}={is_now}, not {wanted}: start the lab with {variable}={wanted}"
    return None


def _users_refused(controller: RunController, form: Mapping[str, str]) -> str | None:
    users = form.get("user_count", "")
    if shape := _begins(controller):
        return controller.refuse(shape.most_users)
    if not users or controller.shape is not None:
        return None
    if int(users) == 0 and not controller.run.running:
        return "0 users: a run needs at least 1"
    return controller.refuse(int(users))


def _begins(controller: RunController) -> Shape | None:
    """Return the load shape that a start begins; None without one, and for a change of users while a run is on."""
    return None if controller.run.running else run_info.own_shape(controller.environment)


def first_level(controller: RunController, form: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form for the start of a load shape: with the users of its first level and no end."""
    if not (shape := _begins(controller)):
        return dict(form)
    return {**form, "user_count": str(shape.levels()[0].users), "run_time": ""}


def of_server(controller: RunController) -> dict[str, str]:
    """Return what the lab's own server was started with; empty for a target, which can't be asked."""
    info = (controller.probe.counters or {}).get("info", {})
    return {name: str(info[name]) for name in OF_THE_SERVER if info.get(name)}


def warnings(controller: RunController, form: Mapping[str, str]) -> list[str]:
    """Return sentences on what may be a mistake: more users than the server holds, a run that ends in its ramp."""
    try:
        users, rate = int(form.get("user_count", "")), float(form.get("spawn_rate", ""))
        length = float(parse_timespan(form.get("run_time", "") or "0"))
    except ValueError:
        return []  # one of them is missing: Locust says so
    if controller.shape is not None:
        return []
    if shape := _begins(controller):
        return [said for said in (_above_cap(controller, shape.most_users),) if said]
    return [said for said in (_above_cap(controller, users), _too_short(users, rate, length)) if said]


def _above_cap(controller: RunController, users: int) -> str:
    classes = controller.runner.user_classes
    cap = (controller.probe.counters or {}).get("max_connections")
    wanted = users * max((int(getattr(user, "connections_per_user", 1)) for user in classes), default=1)
    if not cap or wanted <= cap or not all(getattr(user, "holds", False) for user in classes):
        return ""
    return (
        f"{users:,} users are above the {cap:,.0f} connections that the server holds: it refuses the others, or lets "
        "them wait. If that is not what you want, lower the users, or start the lab with MAX_CONNECTIONS= or "
        "MODEL=epoll."
    )


def _too_short(users: int, rate: float, length: float) -> str:
    ramp = users / rate if rate > 0 else 0.0
    if not length or length > max(0.0, ramp - max(1.0, 1 / rate if rate else 0.0)) + STEADY_AFTER_S:
        return ""
    return (
        f"A ramp of {ramp:.3g} s leaves nothing to judge in a run of {length:g} s: give it more than "
        f"{math.ceil(ramp + STEADY_AFTER_S)} s, or start more users a second."
    )
