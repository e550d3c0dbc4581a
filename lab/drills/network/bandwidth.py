"""The server's way out carries half of what leaves it otherwise: replies wait in a queue, and none is lost."""

import json
import time
from collections.abc import Callable, Sequence

from lab.drills.drill import Before, Stage
from lab.drills.namespace import probe, rules
from lab.drills.namespace.helper import Helper
from lab.drills.network.base import NetworkDrill, clients, server
from lab.settings import Settings
from rawsocket.verdict.drills.prediction import Expected

LOOK_S = 3.0


class Bandwidth(NetworkDrill):
    """Limits what leaves with tc's tbf."""

    name = "bandwidth"
    text = "the server's way out has half the bandwidth that its replies need"

    def seconds(self, settings: Settings) -> float:
        """Return a third of TIMEOUT: the last reply waits about as long as the fault lasts, so no user gives up."""
        return max(1.0, float(settings["TIMEOUT"]) / 3 - LOOK_S)

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """Twice as much arrives as may leave, so the queue is never empty, and what leaves is the limit."""
        waits = (
            f"a reply waits as long as the fault lasts, {stage.for_s + LOOK_S:g} s; TIMEOUT is {stage.timeout_s:g} s"
        )
        return [
            Expected("own.percent_of_limit", 97, 103, "the queue is never empty"),
            Expected("lost", 0, 0, waits),
        ]

    def trials(self) -> Sequence[probe.Trial]:
        """It needs tc's tbf."""
        return [probe.LIMIT_BANDWIDTH]

    def inject(self, stage: Stage, helper: Helper) -> None:
        """See how much leaves by the device that reaches the clients, and let half of it through."""
        client = clients(helper, server(stage).port)[0]
        device = json.loads(helper.run("ip", "-json", "route", "get", client.address))[0]["dev"]
        see = ("ip", "-s", "-json", "link", "show", "dev", device)
        rate = _grown(stage, lambda: json.loads(helper.run(*see))[0]["stats64"]["tx"]["bytes"]) / 2
        helper.run(*rules.limited(device, rate, 8 * rate * (stage.for_s + LOOK_S)))
        stage.find(f"the server's way out was limited to {rate:,.0f} bytes/s")

    def observe(self, stage: Stage, helper: Helper) -> None:
        """Compare what leaves now with the limit, as the kernel keeps it."""
        see = ("tc", "-s", "-json", "qdisc", "show")
        sent = _grown(stage, lambda: rules.limit_of(helper.run(*see))["bytes"])
        stage.measured("percent_of_limit", round(100 * sent / rules.limit_of(helper.run(*see))["options"]["rate"], 1))


def _grown(stage: Stage, count: Callable[[], int]) -> float:
    """Return by how much a count grows a second."""
    begun, before = time.monotonic(), count()
    stage.wait(LOOK_S)
    return (count() - before) / (time.monotonic() - begun)
