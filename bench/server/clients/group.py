"""Several load clients used as one, for more connections than one process has descriptors for."""

from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from bench.server.clients.load_client import LoadClient

PER_CLIENT = 18_000


class ClientGroup:
    """As many clients as `most` connections need, until the block ends. The methods are those of one client."""

    def __init__(self, program: str, port: int, most: int) -> None:
        self._stack = ExitStack()
        self._clients = [LoadClient(program, port, first) for first in range(0, most, PER_CLIENT)]
        self._held = [0] * len(self._clients)

    def __enter__(self) -> Self:
        for client in self._clients:
            self._stack.enter_context(client)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def hold(self, connections: int) -> None:
        """Open connections until so many are held and have had a reply: each client is filled before the next."""
        self._held = [
            max(0, min(PER_CLIENT, connections - PER_CLIENT * number)) for number in range(len(self._clients))
        ]
        for client, held in zip(self._clients, self._held, strict=True):
            if held:
                client.hold(held)

    def closed(self, active: int) -> None:
        """Keep one message in flight on so many connections from now on."""
        for client, part in self._parts(active):
            client.closed(part)

    def counts(self, pids: Sequence[int] = ()) -> dict[str, Any]:
        """Return {now, messages, cpu_s}, read by the first client; the replies of the others right after."""
        first, *others = [client.counts(pids if number == 0 else ()) for number, client in enumerate(self._clients)]
        return {**first, "messages": first["messages"] + sum(found["messages"] for found in others)}

    def stop(self) -> None:
        """Send no more messages; LabError if one stays unanswered."""
        for client in self._clients:
            client.stop()

    def open(self, active: int, rate: float, seconds: float) -> dict[str, Any]:
        """Send at `rate` a second, each client its share at the same time; return the worst client for each figure."""
        parts = self._parts(active)
        for client, part in parts:
            client.begin_open(part, rate * part / active, seconds)
        found = [client.end_open() for client, _ in parts]
        return {
            kind: {share: max(one[kind][share] for one in found) for share in found[0][kind]}
            for kind in ("due_us", "sent_us", "late_us")
        }

    def _parts(self, active: int) -> list[tuple[LoadClient, int]]:
        """Split the active connections as the held ones are; the remainder goes to the first client."""
        total = sum(self._held)
        parts = [active * held // total for held in self._held]
        parts[0] += active - sum(parts)
        return [(client, part) for client, part in zip(self._clients, parts, strict=True) if part]
