"""What the lab knows of a container or a process, whatever engine runs it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from lab.errors import EXIT_USAGE


class Part(ABC):
    """One program of a lab: its server, its master or a worker. `role` is server, master or worker."""

    name: str
    role: str

    def refresh(self) -> None:
        """Look again at what the engine says of it."""
        return

    @abstractmethod
    def exit_code(self) -> int | None:
        """Return its exit code, None while it runs."""

    def environment(self, name: str) -> str:
        """Return a variable that it was started with, "" if it was not."""
        raise NotImplementedError

    def lacked_memory(self) -> bool:
        """Whether the engine knows that it was killed because it used more memory than its limit."""
        return False

    @abstractmethod
    def log(self) -> str:
        """Return its log so far."""

    @abstractmethod
    def output(self) -> Iterator[bytes]:
        """Yield its log as it is written, until it has ended."""

    @abstractmethod
    def problem(self) -> str:
        """Say what is wrong with it, "" while nothing is."""

    def state(self) -> str:
        """Say in a few words how it is: running, or what is wrong with it."""
        return self.problem() or "running"

    def freeze(self) -> None:
        """Stop it from running (SIGSTOP, a paused container) until `thaw`."""
        raise NotImplementedError

    def thaw(self) -> None:
        """Let it go on; one that is not frozen, or has ended, is no error."""
        raise NotImplementedError

    def is_frozen(self) -> bool:
        """Whether it is frozen now."""
        return False

    def gone(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.exit_code() is not None

    def kill(self) -> None:
        """Kill it at once (SIGKILL)."""
        raise NotImplementedError

    def thaw_by_others(self) -> list[dict[str, object]]:
        """Return what another process has to do in the place of `thaw`, see lab/drills/lease.py."""
        return []

    def has_failed(self) -> bool:
        """Whether its log may say why the lab does not start."""
        return bool(self.problem())

    def refused_a_setting(self) -> bool:
        """Whether it has ended because of a setting that it can't use."""
        return self.exit_code() == EXIT_USAGE
