"""The server's way out carries half of what leaves it otherwise: replies wait in a queue, and none is lost."""

import json
import time
from collections.abc import Sequence
from typing import Any

from lab.drills.drill import Before, Stage
from lab.drills.namespace import probe, rules
from lab.drills.namespace.fault_location import FaultLocation
from lab.drills.network.base import NetworkDrill, back_within, grown
from lab.settings import Settings
from rawsocket.verdict.drills.prediction import Expected

LOOK_S = 3.0
SETTLE_S = 10.0  # at most, until the queue has begun


class Bandwidth(NetworkDrill):
    """Limits what leaves with tc's tbf. The fault lasts until the limit was measured, whatever FOR says."""

    name = "bandwidth"
    text = "the server's way out has half the bandwidth that its replies need"
    lasts = False
    needs_server = "it limits the way out of the server's container"

    def unfit(self, settings: Settings) -> str:
        """A reply waits for about as long as the queue grows."""
        return "" if float(settings["TIMEOUT"]) >= 2 * LOOK_S else f"it needs TIMEOUT={2 * LOOK_S:g} or more"

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """Twice as much arrives as may leave, so once the queue has begun it never is empty."""
        waits = f"the queue grows for {LOOK_S:g} s, so a reply waits as long; TIMEOUT is {stage.timeout_s:g} s"
        return [
            Expected("own.percent_of_limit", 97, 103, "the queue is never empty"),
            Expected("lost", 0, 0, waits),
            back_within(stage.timeout_s, "the queue is dropped and sent again"),
        ]

    def trials(self) -> Sequence[probe.Trial]:
        """It needs tc's tbf."""
        return [probe.LIMIT_BANDWIDTH]

    def inject(self, stage: Stage, location: FaultLocation) -> None:
        """See how much leaves by the device that reaches the clients, let half of it through, and measure that."""
        device = location.device()
        see = ("ip", "-s", "-json", "link", "show", "dev", device)
        rate = grown(stage, LOOK_S, lambda: json.loads(location.run(*see))[0]["stats64"]["tx"]["bytes"]) / 2
        location.run(*rules.limited(device, rate, 16 * rate * LOOK_S))
        stage.began()
        stage.find(f"the server's way out was limited to {rate:,.0f} bytes/s")

        def limit() -> dict[str, Any]:
            return rules.limit_of(location.run("tc", "-s", "-json", "qdisc", "show"))

        until = time.monotonic() + SETTLE_S
        while not limit()["backlog"] and time.monotonic() < until:
            stage.wait(0.1)
        sent = grown(stage, LOOK_S, lambda: limit()["bytes"])
        stage.measured("percent_of_limit", round(100 * sent / limit()["options"]["rate"], 1))
