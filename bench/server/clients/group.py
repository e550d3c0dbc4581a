"""Several load clients as one: a process has descriptors for so many connections, and the curve goes on."""

from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from bench.server.clients.load_client import Load

PER_CLIENT = 18_000


class Fleet:
    """As many clients as `most` connections need, until the block ends. What they are told is as for one of them."""

    def __init__(self, program: str, port: int, most: int) -> None:
        self._stack = ExitStack()
        self._clients = [Load(program, port, first) for first in range(0, most, PER_CLIENT)]
        self._held = [0] * len(self._clients)

    def __enter__(self) -> Self:
        for client in self._clients:
            self._stack.enter_context(client)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def hold(self, connections: int) -> None:
        """Open connections until so many are held and have had a reply: one client after the other is full."""
        self._held = [
            max(0, min(PER_CLIENT, connections - PER_CLIENT * number)) for number in range(len(self._clients))
        ]
        for client, held in zip(self._clients, self._held, strict=True):
            if held:
                client.hold(held)

    def closed(self, active: int) -> None:
        """From now on one message in flight on so many of them."""
        for client, part in self._parts(active):
            client.closed(part)

    def counts(self, pids: Sequence[int] = ()) -> dict[str, Any]:
        """Give {now, messages, cpu_s}, read by the first client; the replies of the others are counted right after."""
        first, *others = [client.counts(pids if number == 0 else ()) for number, client in enumerate(self._clients)]
        return {**first, "messages": first["messages"] + sum(found["messages"] for found in others)}

    def stop(self) -> None:
        """Send nothing any more; LabError if a message stays unanswered."""
        for client in self._clients:
            client.stop()

    def open(self, active: int, rate: float, seconds: float) -> dict[str, Any]:
        """Send at `rate` a second, all clients at once, each its share; of each figure the worst of the clients."""
        parts = self._parts(active)
        for client, part in parts:
            client.begin_open(part, rate * part / active, seconds)
        found = [client.end_open() for client, _ in parts]
        return {
            kind: {share: max(one[kind][share] for one in found) for share in found[0][kind]}
            for kind in ("due_us", "sent_us", "late_us")
        }

    def _parts(self, active: int) -> list[tuple[Load, int]]:
        """Share the active connections out as the held ones are; those of rounding go to the first client."""
        total = sum(self._held)
        parts = [active * held // total for held in self._held]
        parts[0] += active - sum(parts)
        return [(client, part) for client, part in zip(self._clients, parts, strict=True) if part]
