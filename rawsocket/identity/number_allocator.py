"""The master's side of the numbers of users: it deals them to the workers, from one pool for each run.

Rules:

- Numbers are below the run's user count. When Locust moves users to another worker, it starts the new ones before it
  stops the old ones: the new ones start as soon as the old ones have given their numbers back.
- The numbers of a lost worker are free again. A worker that was only silent for some seconds may go on with them, but a
  run that lost a worker fails anyway.
- Locust handles no message while it moves users to or from a worker, about a second. Numbers wait for that.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from rawsocket.identity.pool import Pool

# Names of the messages: a worker wants numbers and gives others back; the master deals.
WANT, DEAL = "holdfast_numbers_wanted", "holdfast_numbers"


class Runner(Protocol):
    """What is needed of Locust's runner."""

    target_user_count: int

    def send_message(self, msg_type: str, data: Any = None, client_id: str | None = None) -> None:
        """Send a message to a worker."""


class NumberAllocator:
    """Deals numbers to the workers; `live` returns the names of those that Locust counts as live."""

    def __init__(self, runner: Runner, live: Callable[[], Collection[str]]) -> None:
        self._runner = runner
        self._live = live
        self._pool = Pool()
        self._runs: dict[str, int] = {}  # each worker numbers its own runs

    def begin_run(self) -> None:
        """Forget who has which number: a new run starts."""
        self._pool = Pool()
        self._runs = {}

    def receive(self, worker: str, data: Mapping[str, Any]) -> None:
        """Take a worker's message: {"run": its number, "want": how many more, "back": [numbers]}."""
        run = int(data["run"])
        before = self._runs.setdefault(worker, run)
        if run < before:
            return
        if run > before:  # the message before came late, from the worker's last run
            self._pool.forget(worker)
        self._runs[worker] = run
        self._pool.give_back(worker, data["back"])
        self._pool.want(worker, int(data["want"]))
        self.deal()

    def deal(self) -> None:
        """Deal the numbers that are wanted and free."""
        live = self._live()
        self._pool.drop_others(live)
        for worker, numbers in self._pool.deal(live, self._runner.target_user_count or 0).items():
            self._runner.send_message(DEAL, {"run": self._runs[worker], "numbers": numbers}, client_id=worker)
