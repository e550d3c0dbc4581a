"""Pure: how fast users arrived, and how long each storm took until all were back, from the reports of the workers.

A storm is identified by its time (whole seconds of the wall clock, the same on all workers). It is over when as many
sessions came back as had dropped; its duration is that of the last one on any worker.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from rawsocket.measurement.report import Report


def arrivals_per_s(reports: Iterable[Report]) -> float | None:
    """Return the connects a second from each worker's first to its last, summed; None if no worker had two."""
    rates = []
    for report in reports:
        arrivals = report.arrivals
        seconds = arrivals.last_s - arrivals.first_s
        if arrivals.count > 1 and seconds > 0:
            rates.append((arrivals.count - 1) / seconds)
    return round(sum(rates), 1) if rates else None


def storms(reports: Iterable[Report]) -> list[dict[str, Any]]:
    """Return [{time_utc, dropped, back, back_s}], oldest first; `back_s` is None while not all are back."""
    found: dict[int, tuple[int, int, float]] = {}
    for report in reports:
        for storm in report.storms:
            dropped, back, seconds = found.get(storm.moment, (0, 0, 0.0))
            found[storm.moment] = dropped + storm.dropped, back + storm.back, max(seconds, storm.back_s)
    return [
        {
            "time_utc": datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "dropped": dropped,
            "back": back,
            "back_s": round(seconds, 3) if back >= dropped else None,
        }
        for moment, (dropped, back, seconds) in sorted(found.items())
    ]
