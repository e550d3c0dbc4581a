"""The server is frozen, and goes on: no connection is lost as long as nobody gives up waiting."""

from contextlib import AbstractContextManager

from lab.drills.drill import SAMPLE_S, Before, Drill, Stage, frozen, nothing_lost
from rawsocket.verdict.drills.prediction import Expected


class ServerFrozen(Drill):
    """SIGSTOP, or a paused container."""

    name = "server-frozen"
    text = "the server is frozen (SIGSTOP, a paused container) and goes on"

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """Nothing is lost before TIMEOUT; a message that is due u seconds into the fault waits for the rest of it."""
        frozen_s, every_s = stage.for_s, stage.every_s
        waited = [Expected("recover_s", most=SAMPLE_S + 3, why="all replies come at once when it goes on")]
        if frozen_s + SAMPLE_S >= stage.timeout_s:
            share = min(1.0, max(0.0, frozen_s - SAMPLE_S - stage.timeout_s) / every_s) if every_s else 0.0
            why = f"those whose reply was due {stage.timeout_s:g} s or more before its end"
            return [Expected("lost", int(0.8 * share * before.held), before.held if every_s else 0, why)]
        found = [*nothing_lost(stage), *waited]
        messages = before.messages_s * frozen_s
        if messages < 20:  # too few to say how old the oldest is
            return found
        # The second in which they are answered has others as well, so its p99 is not quite that of the waiting ones.
        least, most = 1000 * frozen_s * (0.97 - 5 / messages), 1000 * (frozen_s + SAMPLE_S) + before.p99_ms
        return [*found, Expected("peak_p99_ms", least, most, "the oldest message waits for nearly all of it")]

    def injected(self, stage: Stage) -> AbstractContextManager[None]:
        """Freeze it."""
        (server,) = stage.parts("server")
        return frozen(stage, server)
