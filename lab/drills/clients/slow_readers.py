"""Clients that ask for much and read little: the server must not keep replies without a limit, nor wait for them."""

from lab.drills.clients import message, program
from lab.drills.clients.badly_behaved import COUNT, BadlyBehaved
from lab.settings import Settings


class SlowReaders(BadlyBehaved):
    """Each sends messages as long as the server takes them, and reads 10 bytes of the replies a second."""

    name = "slow-readers"
    text = f"{COUNT} more clients ask for much and read {program.SLOW} bytes a second"
    what = program.READ_SLOWLY

    def unfit(self, settings: Settings) -> str:
        """Refuse a server for which no message is known that has a reply of its size."""
        if settings.own_server and settings["APP"] != "echo":
            return "it needs replies as large as its messages: APP=echo"
        return "" if message.of(settings) else message.NEEDED
