"""The engine lets the server have half of the CPU that it uses: replies wait, and none is lost."""

import contextlib
import time
from collections.abc import Iterator

from lab.drills import lease
from lab.drills.drill import DOCKER, SAMPLE_S, Before, Drill, Stage
from lab.drills.shortage.server_limits import container, output, update
from lab.settings import Settings
from rawsocket.verdict.drills.prediction import Expected

LOOK_S = 3.0
PERIOD_US = 100_000
LEAST = 0.01  # of a core: the engine allows no less


class LittleCpu(Drill):
    """The engine's update of cpu-quota, to half of what the server has used in the last seconds, but 1 % of a core."""

    name = "little-cpu"
    text = "the server's container may use half of the CPU that it needs"
    engines = frozenset({DOCKER})

    def unfit(self, settings: Settings) -> str:
        """Refuse a container that has a limit already: the engine can't change it for this one."""
        limited = float(settings["SERVER_CPUS"])
        return f"SERVER_CPUS={settings['SERVER_CPUS']} is a limit already" if limited else ""

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """Replies wait for as long as the fault lasts at most, and for as long again while the queue is worked off."""
        found = [
            Expected("own.percent_of_limit", most=115, why="the kernel gives no more in a period"),
            Expected("own.left", 0, 0, "the limit is gone"),
            Expected("recover_s", most=stage.for_s + SAMPLE_S + 3, why="the queue is worked off"),
        ]
        if stage.for_s + SAMPLE_S < stage.timeout_s:
            found.append(Expected("lost", 0, 0, f"it is shorter than TIMEOUT={stage.timeout_s:g}"))
        return found

    @contextlib.contextmanager
    def injected(self, stage: Stage) -> Iterator[None]:
        """See how much it uses, allow half of that, and see what it uses then."""
        server = container(stage)
        share = max(LEAST, _used(stage, LOOK_S) / 2)
        undo = update(stage, "--cpu-quota=-1")
        with stage.lease([lease.command(*undo)]):
            output(update(stage, f"--cpu-period={PERIOD_US}", f"--cpu-quota={round(PERIOD_US * share)}"))
            try:
                begun, before = time.monotonic(), server.cpu_seconds()
                yield
                used = (server.cpu_seconds() - before) / (time.monotonic() - begun)
                stage.measured("percent_of_limit", round(100 * used / share, 1))
            finally:
                output(undo)
        stage.find(f"the server was limited to {100 * share:.1f} % of a core")
        stage.measured("left", int(server.limit("CpuQuota") > 0))


def _used(stage: Stage, seconds: float) -> float:
    """Return the cores that the server uses for so long."""
    begun, before = time.monotonic(), container(stage).cpu_seconds()
    stage.wait(seconds)
    return (container(stage).cpu_seconds() - before) / (time.monotonic() - begun)
