"""Pure: figures as words, for readers: 1,234 and 0.59 ms; a dash where a figure is unknown."""

import re
from collections.abc import Mapping
from typing import Any

from rawsocket.verdict import words

UNKNOWN = "\u2013"  # a dash as wide as a digit
_UNITS = re.compile(r"(?<=\d) (?=(?:ms|s|min|%)(?!\w))")
STEADY, WHOLE = "steady window", "whole run"


def count(value: float | None) -> str:
    """Return a number with commas between thousands, to two digits after the point if it is no whole number."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:,.2f}"


def rate(value: float | None) -> str:
    """Return a number a second: whole from 100 on."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def milliseconds(value: float | None, beside: float | None = None) -> str:
    """Return a time in milliseconds, or seconds from 1,000 ms on, to three digits; see verdict/words.py."""
    return UNKNOWN if value is None else words.milliseconds(value, beside)


def seconds(value: float | None) -> str:
    """Return a length in seconds: 9.9 s, 60 s, 10 min."""
    if value is None:
        return UNKNOWN
    if value >= 600 and value % 60 == 0:
        return f"{value / 60:.0f} min"
    return f"{value:.0f} s" if float(value).is_integer() else f"{value:.1f} s"


def time_utc(text: str | None) -> str:
    """Return an ISO time in UTC for readers: 2026-11-27 23:15:55 UTC."""
    return f"{text[:10]} {text[11:19]} UTC" if text else UNKNOWN


def share(value: float | None) -> str:
    """Return a share of 1 as a percentage."""
    return UNKNOWN if value is None else f"{value:.0%}"


def quantity(value: float | None, unit: str, beside: float | None = None) -> str:
    """Return a figure with its unit, as thresholds have them: ms, %, messages/s, or a noun."""
    if value is None:
        return UNKNOWN
    if unit == "ms":
        return milliseconds(value, beside)
    if unit == "%":
        return f"{value:.3g} %"
    return f"{count(value)} {unit}".strip()


def unbroken(text: str) -> str:
    """Return a sentence in which no line ends between a number and its unit."""
    return _UNITS.sub("\u00a0", text)


def named(counts: Mapping[str, int]) -> str:
    """Return {name: count} as "1,234 refused, 2 reset", the most frequent first; "none" if all are 0."""
    found = sorted(((number, name) for name, number in counts.items() if number), reverse=True)
    return ", ".join(f"{number:,} {name}" for number, name in found) or "none"


def plain(value: Any) -> str:
    """Return a value of a setting or of the environment as text."""
    if value is None or value == "":
        return "unset"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {plain(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    return str(value)
