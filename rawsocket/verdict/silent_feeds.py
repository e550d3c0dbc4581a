"""Pure: a feed that falls silent: the server sent messages that nobody had asked for, and sends none any more.

Nobody waits for a push, so nothing is late or missing when they stop. Rules:

- A feed is what a worker's users get as pushes. It is known once pushes came in FEED_AFTER reports.
- It is silent once none has come for SILENT_S, and for PAUSES times as long as its longest pause before. So a feed that
  comes in bursts is not blamed. Each worker is judged by its own clock, and all of them have to agree.
- It may have had nothing more to say: a silence is told, and decides nothing. MIN_MESSAGES_S="push=10" judges the rate.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rawsocket.measurement.report import Report
from rawsocket.verdict import words

FEED_AFTER = 3
SILENT_S = 5.0
PAUSES = 3.0
AT_THE_END_S = 1.5  # a silence that was seen this long before the stop lasted until then


@dataclass(frozen=True)
class FeedSilence:
    """No push came for `seconds` from `from_s` of the run on; before that there were `rate` a second."""

    from_s: float
    seconds: float
    rate: float

    def now(self) -> str:
        """Return it as a sentence while it lasts."""
        return f"No push for {words.seconds(self.seconds)}: before, there were {_rate(self.rate)} a second"

    def afterwards(self, at_stop_s: float) -> str:
        """Return it as a remark about a run that was stopped then."""
        lasted = " until the end" if self.from_s + self.seconds > at_stop_s - AT_THE_END_S else ""
        when = f"for {words.seconds(self.seconds)}{lasted}, from {words.seconds(self.from_s)} on"
        return f"no push came {when}; before, there were {_rate(self.rate)} a second"


@dataclass
class _Feed:
    """What one worker got. `since_s`: when the latest came, by its clock; `longest_s`: the longest pause so far."""

    pushed: int
    first_s: float
    since_s: float
    reports: int = 1
    longest_s: float = 0.0

    def grow(self, pushed: int, now_s: float) -> None:
        self.longest_s = max(self.longest_s, now_s - self.since_s)
        self.pushed, self.since_s, self.reports = pushed, now_s, self.reports + 1

    def limit_s(self) -> float:
        return max(SILENT_S, PAUSES * self.longest_s)

    def rate(self) -> float:
        return self.pushed / max(1.0, self.since_s - self.first_s)


class Feeds:
    """Watches the workers' reports for pushes that stop."""

    def __init__(self) -> None:
        self._feeds: dict[str, _Feed] = {}

    def look(self, latest: Mapping[str, Report], at_s: float) -> FeedSilence | None:
        """Return the silence as of the latest report of each worker, None if there is none."""
        for worker, report in latest.items():
            self._note(worker, report.counts.messages.pushed, report.wall_s)
        known = {
            worker: feed
            for worker, feed in self._feeds.items()
            if worker in latest and latest[worker].counts.held and feed.reports >= FEED_AFTER
        }
        silent = {worker: latest[worker].wall_s - feed.since_s for worker, feed in known.items()}
        if not silent or any(silent[worker] < feed.limit_s() for worker, feed in known.items()):
            return None
        seconds = min(silent.values())
        return FeedSilence(round(max(0.0, at_s - seconds), 1), seconds, sum(feed.rate() for feed in known.values()))

    def _note(self, worker: str, pushed: int, now_s: float) -> None:
        feed = self._feeds.get(worker)
        if feed is None and pushed:
            self._feeds[worker] = _Feed(pushed, now_s, now_s)
        elif feed is not None and pushed > feed.pushed:
            feed.grow(pushed, now_s)


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
