"""Pure: one threshold of a verdict in words: its title, its unit, and what was measured against what was allowed."""

from rawsocket.settings import thresholds as table
from rawsocket.settings.thresholds import Comparison
from rawsocket.verdict import words

NONE_ALLOWED = "none were allowed"
OUTCOMES = {True: "met", False: "missed", None: "not measured"}
NOT_COUNTED = "met, not counted"  # in a run that is unknown


def outcome(ok: bool | None, *, decided: bool = True) -> str:
    """Return what became of a threshold. `decided`: the run passed or failed, so that a met one counts."""
    return NOT_COUNTED if ok and not decided else OUTCOMES[ok]


def title(name: str) -> str:
    """Return what a person calls this threshold: 'p99 latency from due of login'."""
    meant = table.named(name)
    own = meant.threshold.title or meant.threshold.name
    share = ", share of all events" if meant.percent else ""
    return f"{own} of {meant.row}{share}" if meant.row else f"{own}{share}"


def unit(name: str) -> str:
    """Return the unit of limit and figure: "ms", "%", or "" for counts and rates."""
    meant = table.named(name)
    return "%" if meant.percent else "ms" if meant.threshold.unit == "ms" else ""


def text(name: str, limit: float, actual: float | None) -> str:
    """Return '3,591 failures; none were allowed'. `actual` None: it could not be measured."""
    meant = table.named(name)
    of = f" of {meant.row}" if meant.row else ""
    measured = "not measured" if actual is None else _measured(name, actual, limit, of)
    return f"{measured}; {_allowed(name, limit)}"


def _measured(name: str, actual: float, limit: float, of: str) -> str:
    meant = table.named(name)
    if meant.percent:
        return f"{words.number(actual, limit)}% of the events{of} failed"
    one, many = meant.threshold.counted
    if one:
        return f"{words.count(actual, one, many, limit)}{of}"
    value = _value(name, actual, limit)
    return f"the {meant.threshold.title}{of} was {value}" if meant.threshold.title else value


def _allowed(name: str, limit: float) -> str:
    meant = table.named(name)
    if meant.threshold.comparison is Comparison.AT_LEAST:
        return f"at least {_value(name, limit)} {_were(name, limit)} demanded"
    if not limit and not unit(name):
        return NONE_ALLOWED
    return f"at most {_value(name, limit)} {_were(name, limit)} allowed"


def _were(name: str, limit: float) -> str:
    return "was" if _value(name, limit).partition(" ")[0] == "1" else "were"


def _value(name: str, value: float, beside: float | None = None) -> str:
    """Return a figure or a limit with its unit."""
    found = unit(name)
    return words.milliseconds(value, beside) if found == "ms" else f"{words.number(value, beside)}{found}"
