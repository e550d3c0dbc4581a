"""A channel through which one process sends open sockets to another.

Strategy: a pair of sockets that keeps message boundaries (SOCK_SEQPACKET). The descriptors travel beside a message of
one byte, which says how many they are (SCM_RIGHTS, unix(7)). The parent keeps both ends, so that it can take back what
the child has not received: the kernel delivers each message exactly once. Rules:

- A sent descriptor stays open in the message, so the sender closes its own; O_NONBLOCK travels with it.
- The receiver needs room for the descriptors: the kernel drops those for which there is none. The byte says how many
  should have come.
- A process that will receive no more shuts its end down. What is in the channel by then can still be received, and
  nothing can be added: no socket is ever lost between the two.
"""

from __future__ import annotations

import socket
from array import array
from collections.abc import Sequence

#: Sockets in one message: it fits one byte, and is below the kernel's SCM_MAX_FD (253).
MAX_SOCKETS_PER_MESSAGE = 64

#: What `receive` returns at the end: the other side receives and sends nothing more, or is gone.
END: tuple[int, list[int]] = (0, [])

_ANCILLARY_SIZE = socket.CMSG_SPACE(MAX_SOCKETS_PER_MESSAGE * array("i").itemsize)


class Channel:
    """Both ends, as the parent has them."""

    def __init__(self) -> None:
        self.parent_end, self.child_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.parent_end.setblocking(False)
        self.child_end.setblocking(False)

    def send_sockets(self, sockets: Sequence[socket.socket]) -> None:
        """Send up to MAX_SOCKETS_PER_MESSAGE sockets and close them here; raise OSError and keep all if that fails."""
        descriptors = array("i", [sock.fileno() for sock in sockets])
        self.parent_end.sendmsg([bytes([len(sockets)])], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
        for sock in sockets:
            sock.close()

    def reclaim(self) -> tuple[int, list[int]]:
        """Return how many sockets the child has not received, and the descriptors of those that came back."""
        sent, descriptors = 0, list[int]()
        while (received := receive(self.child_end)) is not None and received != END:
            sent += received[0]
            descriptors += received[1]
        return sent, descriptors

    def close(self) -> None:
        """Close both ends in this process."""
        self.parent_end.close()
        self.child_end.close()


def receive(end: socket.socket) -> tuple[int, list[int]] | None:
    """Return how many sockets the next message carries and the descriptors that came, END, or None: no message."""
    try:
        data, ancillary, _, _ = end.recvmsg(1, _ANCILLARY_SIZE, socket.MSG_CMSG_CLOEXEC)
    except BlockingIOError:
        return None
    except ConnectionResetError:
        return END  # The other side is gone, and had not read everything.
    descriptors = array("i")
    for _, _, content in ancillary:
        descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
    return (data[0] if data else 0), list(descriptors)
