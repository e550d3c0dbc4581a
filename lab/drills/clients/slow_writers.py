"""Clients that never finish a message: a server that waits for one of them must not keep the others waiting."""

from lab.drills.clients import program
from lab.drills.clients.badly_behaved import COUNT, BadlyBehaved


class SlowWriters(BadlyBehaved):
    """Each sends a byte a second of a message that never ends."""

    name = "slow-writers"
    text = f"{COUNT} more clients send one byte a second of a message that never ends"
    what = program.WRITE_SLOWLY
