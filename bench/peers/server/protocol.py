"""The simplest echo server with asyncio's Protocol, on asyncio's own loop or on uvloop's.

python protocol.py asyncio|uvloop     its first line on stderr is its address
"""

import asyncio
import importlib
import sys
from typing import cast


class Echo(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's does not inherit from it

    def data_received(self, data: bytes) -> None:
        """Send it back."""
        self.transport.write(data)


async def main() -> None:
    """Listen on a free port of 127.0.0.1 and serve until killed."""
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0, backlog=1024)
    sys.stderr.write("listening on {}:{}\n".format(*server.sockets[0].getsockname()))
    sys.stderr.flush()
    await server.serve_forever()


if __name__ == "__main__":
    importlib.import_module(sys.argv[1]).run(main())
