"""What a drill is: a name, where it can run, its predicted effect, and a fault that heals whatever happens.

Each drill is one small file with one class. Rules:

- `injected()` is a context manager: the fault is there inside of it. Its `finally` heals.
- What a lab that is killed would leave behind is healed by the lease: before it injects, the drill takes
  `stage.lease(undo)`, and the watchdog process does `undo` once the lab has ended, or the lease is over.
- `expects()` is arithmetic on what was there before the fault: it measures nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from lab.drills.lease import Undo
from lab.engines.deployment import Deployment
from lab.engines.part import Part
from lab.settings import Settings
from rawsocket.verdict.drills.prediction import Expected

DOCKER, NATIVE = "docker", "native"
#: One second of sampling, before and after; a figure of a second can't be more exact.
SAMPLE_S = 2.0


class Ended(Exception):
    """The run has ended before the drill has."""


@dataclass(frozen=True)
class Before:
    """What was there when the fault came: the steady state."""

    held: int
    wanted: int
    messages_s: float
    p99_ms: float


@dataclass(frozen=True)
class Stage:
    """What a drill acts on. `engine`: docker or native. `for_s`: how long the fault lasts.

    `lease(undo)`: a context manager around the fault, see lease.py. `wait(seconds)`: sleeps; raises Ended when the run
    ends. `measured(name, value)`: a figure that the drill itself has measured; an Expected names it as own.NAME.
    `find(text)`: a line under the findings. `account(rows)`: what the drill's own clients add to the server's counts at
    most, by row of the ledger. `began()`: the fault is in effect from now on. A drill says it where its
    block begins later; else the fault is in effect when the block begins.
    """

    engine: str
    settings: Settings
    lab: Deployment
    for_s: float
    lease: Callable[[Sequence[Undo]], AbstractContextManager[None]]
    wait: Callable[[float], None]
    measured: Callable[[str, float], None] = lambda name, value: None
    find: Callable[[str], None] = lambda text: None
    account: Callable[[Mapping[str, int]], None] = lambda rows: None
    began: Callable[[], None] = lambda: None

    def parts(self, role: str) -> list[Part]:
        """Return the parts of a role (server, master, worker) that run."""
        return [part for part in self.lab.parts() if part.role == role and part.exit_code() is None]

    @property
    def timeout_s(self) -> float:
        """How long a user waits for a reply."""
        return float(self.settings["TIMEOUT"])

    @property
    def every_s(self) -> float:
        """Seconds between two messages of a user; 0: it is silent."""
        return float(self.settings["EVERY"])

    @property
    def processes(self) -> int:
        """How many processes serve; 1 where it is not known before the start."""
        return int(self.settings["PROCESSES"]) if self.settings["PROCESSES"].isdigit() else 1

    @property
    def jitter(self) -> bool:
        """Whether users wait for a random part of their back-off."""
        return self.settings["RECONNECT_JITTER"] == "yes"

    @property
    def workers(self) -> int:
        """Number of workers."""
        return self.settings.workers


def nothing_lost(stage: Stage) -> list[Expected]:
    """Predict that nothing is lost, if the fault is shorter than TIMEOUT: nobody gives up waiting for a reply."""
    if stage.for_s + SAMPLE_S >= stage.timeout_s:
        return []
    return [Expected("lost", 0, 0, f"it is shorter than TIMEOUT={stage.timeout_s:g}")]


@contextmanager
def frozen(stage: Stage, part: Part) -> Iterator[None]:
    """Freeze a part (SIGSTOP, a paused container) for as long as the block lasts."""
    with stage.lease(part.thaw_by_others()):
        part.freeze()
        try:
            yield
        finally:
            part.thaw()


class Drill(ABC):
    """A fault. `text`: one line for `lab drill list`. `engines`: those that can do it."""

    name: ClassVar[str]
    text: ClassVar[str]
    engines: ClassVar[frozenset[str]] = frozenset({DOCKER, NATIVE})
    #: Whether the run ends with it, without a verdict of its master: the lab judges the drill itself (ended_run.py).
    ends_run: ClassVar[bool] = False
    #: Variables of the lab's own server that `drill NAME` sets where they are not set.
    environ: ClassVar[Mapping[str, str]] = MappingProxyType({})
    #: Settings that `drill NAME` changes for its run.
    changes: ClassVar[Mapping[str, str]] = MappingProxyType({})
    #: Why it can only run on the lab's own server; "": it can on others, too.
    needs_own_server: ClassVar[str] = ""
    #: Whether it works on a TARGET, which the lab does not run itself.
    on_target: ClassVar[bool] = False
    #: Whether the fault lasts for `for_s`; if not, it is over once the block has been entered.
    lasts: ClassVar[bool] = True

    def refusal(self, engine: str, settings: Settings) -> str:
        """Return why it can't run here, "" if it can; `unfit` is the drill's own reason."""
        if engine not in self.engines:
            return f"it needs ENGINE={' or '.join(sorted(self.engines))}"
        if settings["TARGET"] and not self.on_target:
            return "the lab does not run TARGET, so it can neither stop nor restart it"
        if self.needs_own_server and not settings.own_server:
            return self.needs_own_server
        return self.unfit(settings)

    def unfit(self, settings: Settings) -> str:
        """Return why these settings don't fit, such as PROCESSES=1; "" if they do."""
        return ""

    def prepare(self, settings: Settings) -> str:
        """Get ready before the run, where that takes long; return why this machine can't do it, "" if it can."""
        return ""

    def seconds(self, settings: Settings) -> float:
        """Return how long the fault lasts where FOR is not given."""
        return 5.0

    def disturbed(self, stage: Stage) -> int:
        """Return how many workers are late because of the fault itself."""
        return 0

    def keeps(self, stage: Stage, before: Before) -> int:
        """Return how many connections must be held after healing."""
        return before.held

    @abstractmethod
    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """Return the predicted effect."""

    def unknown(self, stage: Stage) -> int:
        """Return how many workers' figures are unknown afterwards."""
        return 0

    @abstractmethod
    def injected(self, stage: Stage) -> AbstractContextManager[None]:
        """Return the fault: it is there inside of the block, and healed when the block is left."""
