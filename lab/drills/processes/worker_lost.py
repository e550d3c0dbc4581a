"""What the drills have in common in which a worker of the load generator is lost: what it did is unknown."""

from lab.drills.drill import Before, Drill, Stage
from lab.settings import Settings
from rawsocket.verdict.drills.prediction import Expected

FRESH_S = 3.0  # after which the master no longer counts what a silent worker holds (rawsocket/master/workers.py)


class WorkerLost(Drill):
    """What both have in common: the first worker is gone for the run, the others go on."""

    def unfit(self, settings: Settings) -> str:
        """Refuse a load of one worker: its loss ends the run."""
        return "" if settings.workers > 1 else "it needs two workers at least: WORKERS=2"

    def seconds(self, settings: Settings) -> float:
        """Longer than the master waits for a silent worker."""
        return 2 * FRESH_S + 4

    def gone(self, stage: Stage) -> bool:
        """Return whether the worker is lost to the run."""
        return True

    def unknown(self, stage: Stage) -> int:
        """Return the one, if the master gives it up."""
        return int(self.gone(stage))

    def disturbed(self, stage: Stage) -> int:
        """Return 1 if the worker that is hit stays in the run, late: it is judged like the others."""
        return int(not self.gone(stage))

    def keeps(self, stage: Stage, before: Before) -> int:
        """Return what the others hold: users are dealt evenly."""
        return before.held * (stage.workers - 1) // stage.workers if self.gone(stage) else before.held

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """The server is not touched, so the other workers lose nothing."""
        kept = self.keeps(stage, before)
        left = stage.workers - self.unknown(stage)
        return [
            Expected("lost", 0, 0, "the server goes on"),
            Expected("held_min", kept - 1, kept + 1, f"{left} of {stage.workers} workers are left"),
            Expected("recover_s", most=5, why="the others were never disturbed"),
        ]
