"""The lab's flags: one table, from which the command line, the environment and the page's form are made.

Rules: every option is added on the parser itself, because Locust's form doesn't show (and trips over)
arguments in groups. An empty environment value counts as unset. A value out of range is one line
that says what was expected. Adding the options must have no effect but that: Locust rebuilds its
parser at every page load. Pure but for reading the environment in `add_to`.
"""

import argparse
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rawsocket.settings.thresholds import THRESHOLDS

Value = int | float | str


@dataclass(frozen=True, slots=True)
class Option:
    """One flag; `parse` turns text into its value, or raises ValueError with one line."""

    name: str
    env: str
    type: type
    default: Value
    help: str
    low: float = -math.inf
    high: float = math.inf
    above: bool = False  # low itself is out of range
    choices: tuple[str, ...] | None = None
    in_form: bool = True

    @property
    def flag(self) -> str:
        """The flag as typed on the command line."""
        return "--" + self.name.replace("_", "-")

    def parse(self, text: str) -> Value:
        """The value that the text means; ValueError has one line that says what was expected."""
        if self.choices is not None:
            if text not in self.choices:
                raise self._error(text)
            return text
        try:
            value: Value = self.type(text)
        except ValueError:
            raise self._error(text) from None
        return self.check(value)

    def check(self, value: Value) -> Value:
        """Give the value back if it is in range; ValueError has one line that says what was expected."""
        if self.choices is not None:
            if value not in self.choices:
                raise self._error(value)
        elif not isinstance(value, int | float) or not self._fits(value):
            raise self._error(value)
        return value

    def _fits(self, value: float) -> bool:
        if not math.isfinite(value):
            return False
        return (self.low < value if self.above else self.low <= value) and value <= self.high

    def expected(self) -> str:
        """What values are right, in words."""
        if self.choices is not None:
            return "one of " + ", ".join(self.choices)
        kind = "a whole number" if self.type is int else "a number"
        low = "above" if self.above else "from"
        upto = f" to {self.high:g}" if math.isfinite(self.high) else (" on" if not self.above else "")
        return f"{kind} {low} {self.low:g}{upto}"

    def _error(self, value: object) -> ValueError:
        return ValueError(f"{self.env}={value} ({self.flag}) is not {self.expected()}")


DAY = 86_400.0
OPTIONS: tuple[Option, ...] = (
    Option("every", "EVERY", float, 10.0, "seconds between a user's messages; 0: hold and say nothing", 0, DAY),
    # 16 MiB: what a message may cost a worker; the lab's own server takes 64 KiB unless told otherwise.
    Option("size", "SIZE", int, 20, "bytes of a message, its end mark not counted", 1, 1 << 24),
    Option("timeout", "TIMEOUT", float, 10.0, "seconds to wait for a connect, a send, a reply", 0, DAY, above=True),
    Option("app", "APP", str, "echo", "what the server answers", choices=("echo", "hello", "work")),
    Option("pace", "PACE", str, "open", "open: when due; closed: after the reply", choices=("open", "closed")),
    Option("arrivals", "ARRIVALS", str, "even", "how connects are spread", choices=("even", "poisson")),
    Option("framing", "FRAMING", str, "line", "how messages are told apart", choices=("line", "chunk")),
    *(
        Option(row.name, row.name.upper(), row.type, row.default, f"{row.help}; {row.off:g}: not judged", row.off)
        for row in THRESHOLDS
    ),
)
BY_NAME: Mapping[str, Option] = {option.name: option for option in OPTIONS}


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add every option to Locust's parser (never to a group), unless it is there already."""
    for option in OPTIONS:
        if option.flag not in parser._option_string_actions:
            parser.add_argument(option.flag, **_arguments(option, os.environ))


def value(options: object, name: str) -> Any:
    """The option's value in Locust's parsed options, or its default where those are missing."""
    return getattr(options, name, BY_NAME[name].default)


def _arguments(option: Option, environ: Mapping[str, str]) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "type": _argument_type(option),
        "default": option.default,
        "help": option.help,
        "include_in_web_ui": option.in_form,
    }
    if option.choices is not None:
        arguments["choices"] = list(option.choices)
    if environ.get(option.env) != "":
        arguments["env_var"] = option.env
    return arguments


def _argument_type(option: Option) -> Callable[[str], Value]:
    def parse(text: str) -> Value:
        try:
            return option.parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse
