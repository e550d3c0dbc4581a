"""The engine lets the server have half of the CPU that it uses: replies wait, and none is lost."""

import contextlib
from collections.abc import Iterator

from lab.drills import lease
from lab.drills.drill import DOCKER, SAMPLE_S, Before, Drill, Stage, nothing_lost
from lab.drills.shortage.server_limits import CpuUse, container, output, update
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
        return [
            Expected("own.percent_of_limit", most=115, why="the kernel gives no more in a period"),
            Expected("own.left", 0, 0, "the limit is gone"),
            Expected("recover_s", most=stage.for_s + SAMPLE_S + 3, why="the queue is worked off"),
            *nothing_lost(stage),
        ]

    @contextlib.contextmanager
    def injected(self, stage: Stage) -> Iterator[None]:
        """See how much it uses, allow half of that, and see what it uses then."""
        server = container(stage)
        use = CpuUse(server.cpu_seconds)
        stage.wait(LOOK_S)
        share = max(LEAST, use.cores() / 2)
        undo = update(stage, "--cpu-quota=-1")
        with stage.lease([lease.command(*undo)]):
            output(update(stage, f"--cpu-period={PERIOD_US}", f"--cpu-quota={round(PERIOD_US * share)}"))
            try:
                use = CpuUse(server.cpu_seconds)
                yield
                stage.measured("percent_of_limit", round(100 * use.cores() / share, 1))
            finally:
                output(undo)
        stage.find(f"the server was limited to {100 * share:.1f} % of a core")
        stage.measured("left", int(server.limit("CpuQuota") > 0))
