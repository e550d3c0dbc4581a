"""Pure: the load shapes. Each is a sequence of levels: so many users, held for so long.

    shape = Steps(100, 1000, by=100, hold="30s")      # in a user class

Rules:

- Users start and stop at RATE. The time of a level begins when it is held, so a ramp takes nothing from it.
- A level is judged from STEADY_AFTER_S after it is held until its time is over. So it has to be longer than that.
- Times are seconds (30) or texts ("30s", "2m", "1h30m").
- A value that can't be meant raises ValueError, one line: which key, what it is, what was expected.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from rawsocket.settings.row import seconds
from rawsocket.settings.table import STEADY_AFTER_S

Time = float | str
SHORTEST_S = STEADY_AFTER_S + 1
MOST_LEVELS = 200
MOST_USERS = 10_000_000


@dataclass(frozen=True)
class Level:
    """So many users, held for `hold_s` seconds. `when` tells it from others with as many users: "in part 2 of 4".

    `settle_s`: seconds after it is held that are not judged.
    """

    users: int
    hold_s: float
    when: str = ""
    settle_s: float = STEADY_AFTER_S

    @property
    def where(self) -> str:
        """What a reason begins with: 'at 600 users', 'in the spike, at 600 users'."""
        return f"{self.when}, {at(self.users)}" if self.when else at(self.users)


@dataclass(frozen=True)
class Shape:
    """The levels of a run. `name` is its key in a conversation, KEYS its other keys there, by the fields' names."""

    name: ClassVar[str] = ""
    KEYS: ClassVar[Mapping[str, str]] = {}

    def __post_init__(self) -> None:
        self.levels()

    def levels(self) -> tuple[Level, ...]:
        """Return its levels in their order."""
        raise NotImplementedError

    @property
    def text(self) -> str:
        """What it does, in a few words."""
        raise NotImplementedError

    @property
    def ends_with_failure(self) -> bool:
        """Whether the run ends with the first level that fails: a higher one would say nothing new."""
        return False

    @property
    def most_users(self) -> int:
        """The users of its highest level."""
        return max(level.users for level in self.levels())

    def _users(self, field: str) -> int:
        return _whole(self, field, MOST_USERS)

    def _hold(self, field: str) -> float:
        """Return the time of a level; it must leave something to judge."""
        return _time(self, field, SHORTEST_S)


@dataclass(frozen=True)
class Steps(Shape):
    """From `start` to `to` users, `by` more (or fewer) at each step; each level is held for `hold`.

    If it goes up, it ends with the first level that fails: the one before it is what the server holds.
    """

    start: int
    to: int
    by: int
    hold: Time

    name: ClassVar[str] = "steps"
    KEYS: ClassVar[Mapping[str, str]] = {"start": "from", "to": "to", "by": "by", "hold": "hold"}

    @property
    def ends_with_failure(self) -> bool:
        """Whether it goes up."""
        return self.to >= self.start

    def levels(self) -> tuple[Level, ...]:
        """Return its levels; the last one has `to` users, even if that is less than a whole step."""
        start, to, by, hold_s = self._users("start"), self._users("to"), self._users("by"), self._hold("hold")
        number = -(-abs(to - start) // by) + 1
        if number > MOST_LEVELS:
            raise ValueError(f"steps: {number:,} levels from {start} to {to} by {by}: expected at most {MOST_LEVELS}")
        sign = 1 if to >= start else -1
        users = [*(start + sign * by * i for i in range(number - 1)), to]
        return tuple(Level(each, hold_s) for each in users)

    @property
    def text(self) -> str:
        """What it does, in a few words."""
        return f"{self.start:,} to {self.to:,} users by {self.by:,}, {said(self._hold('hold'))} each"


@dataclass(frozen=True)
class Spike(Shape):
    """`base` users, after `after` a spike of `peak` users for `hold`, then `base` users for `after` once more."""

    base: int
    peak: int
    after: Time
    hold: Time

    name: ClassVar[str] = "spike"
    KEYS: ClassVar[Mapping[str, str]] = {"base": "base", "peak": "peak", "after": "after", "hold": "hold"}

    def levels(self) -> tuple[Level, ...]:
        """Return its three levels."""
        base, peak = self._users("base"), self._users("peak")
        after_s, hold_s = self._hold("after"), self._hold("hold")
        if peak <= base:
            raise ValueError(f"spike: peak: {peak} is not above base, {base}: expected more users in the spike")
        return (
            Level(base, after_s, "before the spike"),
            Level(peak, hold_s, "in the spike"),
            Level(base, after_s, "after the spike"),
        )

    @property
    def text(self) -> str:
        """What it does, in a few words."""
        after, hold = said(self._hold("after")), said(self._hold("hold"))
        return f"{self.base:,} users for {after}, {self.peak:,} for {hold}, and {self.base:,} for {after} again"


@dataclass(frozen=True)
class Soak(Shape):
    """`users` for `hold`, judged in `parts` of the same length, so that a change over time shows.

    The first `settle` seconds are not judged: caches fill up, pools grow.
    """

    users: int
    hold: Time
    parts: int = 4
    settle: Time = STEADY_AFTER_S

    name: ClassVar[str] = "soak"
    KEYS: ClassVar[Mapping[str, str]] = {"users": "users", "hold": "hold", "parts": "parts", "settle": "settle"}

    def levels(self) -> tuple[Level, ...]:
        """Return its parts."""
        users, hold_s, parts = self._users("users"), self._hold("hold"), _whole(self, "parts", MOST_LEVELS)
        settle_s = _time(self, "settle", 0)
        if (part_s := hold_s / parts) < max(SHORTEST_S, settle_s + 1):
            least = said(max(SHORTEST_S, settle_s + 1))
            raise ValueError(f"soak: hold: {parts} parts of {said(part_s)} each: expected at least {least} for a part")
        first = Level(users, part_s, f"in part 1 of {parts}", max(settle_s, STEADY_AFTER_S))
        return (first, *(Level(users, part_s, f"in part {i} of {parts}", 0.0) for i in range(2, parts + 1)))

    @property
    def text(self) -> str:
        """What it does, in a few words."""
        return f"{self.users:,} users for {said(self._hold('hold'))}, judged in {self.parts} parts"


@dataclass(frozen=True)
class Wave(Shape):
    """`low` users for half a `period`, `high` users for the other half, as many `waves`; then `low` users once more."""

    low: int
    high: int
    period: Time
    waves: int = 1

    name: ClassVar[str] = "wave"
    KEYS: ClassVar[Mapping[str, str]] = {"low": "low", "high": "high", "period": "period", "waves": "waves"}

    def levels(self) -> tuple[Level, ...]:
        """Return its levels: two for each wave, and the last one."""
        low, high, waves = self._users("low"), self._users("high"), _whole(self, "waves", (MOST_LEVELS - 1) // 2)
        half_s = _time(self, "period", 2 * SHORTEST_S) / 2
        if high <= low:
            raise ValueError(f"wave: high: {high} is not above low, {low}: expected more users in a wave")
        levels = [Level(users, half_s, f"in wave {i}") for i in range(1, waves + 1) for users in (low, high)]
        return (*levels, Level(low, half_s, "after the waves"))

    @property
    def text(self) -> str:
        """What it does, in a few words."""
        waves = "1 wave" if self.waves == 1 else f"{self.waves} waves"
        return f"{waves} from {self.low:,} to {self.high:,} users and back, {said(_time(self, 'period', 0))} each"


#: The shapes by their keys in a conversation.
SHAPES: Mapping[str, type[Shape]] = {kind.name: kind for kind in (Steps, Spike, Soak, Wave)}


def at(users: int) -> str:
    """Return 'at 1 user', 'at 1,000 users'."""
    return "at 1 user" if users == 1 else f"at {users:,} users"


def said(seconds_: float) -> str:
    """Return a time as '30 s', '90 s', '2 min', '1.5 h'."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds_ >= 2 * size:
            return f"{seconds_ / size:.3g} {unit}"
    return f"{seconds_:.3g} s"


def _whole(shape: Shape, field: str, most: int) -> int:
    value, key = getattr(shape, field), shape.KEYS[field]
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ValueError(f"{shape.name}: {key}: {value!r} is not possible: expected a whole number from 1 to {most:,}")
    return value


def _time(shape: Shape, field: str, least: float) -> float:
    value, key = getattr(shape, field), shape.KEYS[field]
    expected = f"expected a time of at least {least:g}s, such as 30s, 2m or 1h30m"
    try:
        found = seconds(value) if isinstance(value, str) else float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{shape.name}: {key}: {value!r} is no time: {expected}") from None
    if isinstance(value, bool) or not least <= found < float("inf"):
        why = f": a level is judged from {STEADY_AFTER_S:g} s after it is held" if least else ""
        raise ValueError(f"{shape.name}: {key}: {value!r} is too short{why}: {expected}")
    return found
