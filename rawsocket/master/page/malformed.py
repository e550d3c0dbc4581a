"""What Locust's own routes can't take: they answer it with an error of their own code, or pass it on to the workers.

Locust reads the fields of a start and of a changed user class as they come. So they are checked first, and the answer
is one sentence that the page shows.
"""

import functools
import json
from collections.abc import Collection, Mapping
from typing import Any

from locust import argument_parser
from locust.util.timespan import parse_timespan

#: The fields of a start that Locust itself reads. Every other field of the form is an option.
OF_A_START = ("user_count", "spawn_rate", "run_time", "host", "profile", "user_classes", "shape_class")
MOST_USERS = 10_000_000
LEAST_RATE = 0.001  # users a second: one in 17 minutes
LONGEST_S = 366 * 86_400  # of a run
#: What may be changed of a user class, with the page's class picker.
OF_A_USER = ("user_class_name", "tasks", "host", "weight", "fixed_count")


def start(form: Mapping[str, Any], options: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the fields that Locust reads, and with options of the scenario's own; None: nothing."""
    for found in (_users(form), _rate(form), _run_time(form), _host(form)):
        if found:
            return found
    return next((said for name in form if (said := _option(name, str(form[name]), options.get(name)))), None)


def _users(form: Mapping[str, Any]) -> str | None:
    text = str(form.get("user_count", "0"))
    if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= MOST_USERS:
        return None
    return f"users: {_quoted(text)} is no whole number from 0 to {MOST_USERS:,}"


def _rate(form: Mapping[str, Any]) -> str | None:
    text = str(form.get("spawn_rate", "1"))
    try:
        fits = LEAST_RATE <= float(text) <= MOST_USERS
    except ValueError:
        fits = False
    return None if fits else f"rate: {_quoted(text)} is no number from {LEAST_RATE} to {MOST_USERS:,}"


def _run_time(form: Mapping[str, Any]) -> str | None:
    text = str(form.get("run_time", ""))
    try:
        fits = not text or parse_timespan(text) <= LONGEST_S
    except (ValueError, OverflowError):
        fits = False
    return None if fits else f"run time: {_quoted(text)} is no time like 20, 20s, 3m, 2h or 1h20m, of a year at most"


def _host(form: Mapping[str, Any]) -> str | None:
    text = str(form.get("host", ""))
    # It comes back in headers, in logs and in the names of files.
    return None if text.isascii() and text.isprintable() else f"host: {_quoted(text)} is no address"


def _option(name: str, text: str, value: Any) -> str | None:
    """Locust gives an option's new value the type of the old one."""
    if name in OF_A_START or value is None or isinstance(value, bool):
        return None
    try:
        if not isinstance(value, list):
            type(value)(text)
        elif all(isinstance(one, int) for one in value):
            [int(one) for one in text.split(",")]
    except (ValueError, TypeError):
        return f"{name}: {_quoted(text)} can't take the place of {_quoted(str(value))}"
    return None


def known(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form without those of Locust's own options that no start sets: stop_timeout, csv_prefix, ..."""
    return {name: value for name, value in form.items() if name in OF_A_START or name not in _locusts_own()}


@functools.cache
def _locusts_own() -> frozenset[str]:
    """Locust makes its whole command line parser for that, some 100 ms."""
    return frozenset(argument_parser.default_args_dict())


def user(body: bytes, classes: Collection[str] | None) -> str | None:
    """Return what is wrong with a request to change one of the user classes; None: there is no class picker.

    Locust sends it to all workers before it looks at it.
    """
    if classes is None:
        return "user classes are changed where Locust runs with --class-picker only"
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        return "expected a JSON object with user_class_name"
    name = asked.get("user_class_name")
    if not isinstance(name, str) or name not in classes:
        return f"user_class_name: expected one of {', '.join(sorted(classes))}"
    return next((f"{key}: {said}" for key, value in asked.items() if (said := _of_a_user(key, value))), None)


def _of_a_user(key: str, value: Any) -> str | None:
    whole = type(value) is int and 0 <= value <= MOST_USERS
    if key == "tasks":
        texts = isinstance(value, list) and all(isinstance(one, str) for one in value)
        return None if texts else "expected a list of names"
    if key in ("weight", "fixed_count"):
        return None if whole else f"expected a whole number from 0 to {MOST_USERS:,}"
    if key == "host":
        return None if value is None or (isinstance(value, str) and not _host({"host": value})) else "is no address"
    return None if key in OF_A_USER else f"can't be changed: {', '.join(OF_A_USER[1:])} can"


def _quoted(text: str) -> str:
    return ascii(text if len(text) <= 40 else f"{text[:40]}...")
