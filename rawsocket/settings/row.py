"""The form of a row in a table of settings, and the kinds of values that a row can have. Pure.

The server has rows of the same form (server/settings.py); the lab and the benchmarks use these.
A `parse` raises ValueError with what was expected, as half a sentence: "expected a whole number of at least 1".
"""

import ipaddress
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rawsocket.settings.suggestion import listed, suggestion

DAY_S = 86_400.0
LEAST_PASSWORD = 12
SECRET = "PASSWORD"  # the metavar of a kind whose values are never shown
# What an engine demands for a container.
LEAST_MEMORY = 6 * 1024**2
_SIZE = re.compile(r"\d+(?:\.\d+)?[kmgt]?b?", re.I)
_TIME = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")


@dataclass(frozen=True)
class Kind:
    """A kind of value: how its text is read, what the help shows, and the values if they can be listed."""

    parse: Callable[[str], Any]
    metavar: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Setting:
    """One row. `default` is written as on the command line; None: unset. `help` names the unit, `why` the reason."""

    name: str
    kind: Kind
    default: str | None
    help: str
    why: str
    shown: str = ""
    prefix: str = ""

    @property
    def variable(self) -> str:
        """The environment variable, such as MAX_P99_MS or HOLDFAST_PAGE_PORT."""
        return self.prefix + self.name.upper()

    @property
    def flag(self) -> str:
        """The flag on a command line, such as --max-p99-ms; "" for a variable with a prefix, which has none."""
        return "" if self.prefix else "--" + self.name.replace("_", "-")

    @property
    def shown_default(self) -> str:
        """The default in words, for help and docs."""
        return self.shown or self.default or "unset"

    @property
    def meaning(self) -> str:
        """The help, with the possible values if it does not name them all."""
        named = set(re.findall(r"[\w-]+", self.help)).issuperset(self.kind.choices)
        return self.help if named else f"{self.help} ({', '.join(self.kind.choices)})"

    def parse(self, text: str) -> Any:
        """Return the value of the text; ValueError is one line: what is wrong, what was expected, what to set."""
        try:
            return self.kind.parse(text.strip())
        except ValueError as error:
            secret = self.kind.metavar == SECRET  # it has no flag: those are seen by every user of the machine
            where = f"{self.variable} or {self.flag}" if self.flag and not secret else self.variable
            said = "(secret)" if secret else repr(text)
            stop = "" if str(error).endswith("?") else "."
            raise ValueError(f"{self.variable}={said} is not valid: {error}{stop} Set {where}.") from None


def one_of(*choices: str) -> Kind:
    """Return the kind of a value from a list."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"expected one of {listed(choices)}{suggestion(text, choices)}")
        return text

    return Kind(parse, "|".join(choices), choices)


def whole(low: int, high: int | None = None) -> Kind:
    """Return the kind of a whole number in a range."""
    expected = f"of at least {low}" if high is None else f"from {low} to {high}"

    def parse(text: str) -> int:
        value = int(text) if re.fullmatch(r"-?\d+", text) else None
        if value is None or value < low or (high is not None and value > high):
            raise ValueError(f"expected a whole number {expected}")
        return value

    return Kind(parse, "NUMBER")


def number(low: float, high: float = math.inf, *, above: bool = False) -> Kind:
    """Return the kind of a number in a range; `above`: `low` itself is out of range."""
    expected = f"{'above' if above else 'of at least'} {low:g}"
    if math.isfinite(high):
        expected += f" and at most {high:g}"

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or not low <= value <= high or (above and value == low):
            raise ValueError(f"expected a number {expected}")
        return value

    return Kind(parse, "NUMBER")


def seconds(text: str) -> float:
    """Turn `90`, `90s`, `2m` or `1h30m` into seconds."""
    match = _TIME.fullmatch(text.strip())
    if not match or not any(match.groups()):
        raise ValueError("expected a time like 60s, 2m or 1h30m")
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    if not (total := hours * 3600 + minutes * 60 + rest):
        raise ValueError("expected a time above zero, like 60s")
    return float(total)


def _boolean(text: str) -> bool:
    if text.lower() not in (*_TRUE, *_FALSE):
        raise ValueError("expected true or false")
    return text.lower() in _TRUE


def _addresses(text: str) -> tuple[str, ...]:
    try:
        return tuple(str(ipaddress.ip_address(part.strip())) for part in text.split(","))
    except ValueError:
        raise ValueError("expected IP addresses with commas between them") from None


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        raise ValueError("expected an IP address of this machine, such as 0.0.0.0 for all of them") from None


def _password(text: str) -> str:
    if len(text) < LEAST_PASSWORD:
        raise ValueError(f"expected at least {LEAST_PASSWORD} characters")
    return text


def _memory(text: str) -> str:
    if not _SIZE.fullmatch(text) or 0 < size_bytes(text) < LEAST_MEMORY:
        raise ValueError("expected a size of at least 6m, such as 512m or 1g (a number alone is bytes); 0: no limit")
    return text


def size_bytes(text: str) -> int:
    """Return the bytes of a size such as 512m or 1g."""
    number, unit = re.fullmatch(r"([\d.]+)([a-z]?)b?", text.lower()).groups()  # type: ignore[union-attr]
    return int(float(number) * 1024 ** " kmgt".index(unit or " "))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in text.split(",") if name.strip())


def _json(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ValueError('expected JSON like {"TOPIC": "news"}')
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in found.items()}


DURATION = Kind(seconds, "TIME")
BOOLEAN = Kind(_boolean, "true|false")
ADDRESSES = Kind(_addresses, "A,B")
NAMES = Kind(_names, "A,B")
ADDRESS = Kind(_address, "ADDRESS")
PASSWORD = Kind(_password, SECRET)
MEMORY = Kind(_memory, "SIZE")
TEXT = Kind(str, "TEXT")
JSON = Kind(_json, "JSON")
PORT = whole(0, 65535)
