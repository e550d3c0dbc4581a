"""A channel that open sockets are handed through, from one process to another.

Strategy: a pair of sockets that keeps messages apart (SOCK_SEQPACKET); the descriptors travel beside a message of one
byte, which says how many they are (SCM_RIGHTS, unix(7)). Who hands over keeps both ends, so that it can take back what
the other has not taken: the kernel gives each message to exactly one of the two. Rules:

- A descriptor that was sent is open in the message, so the sender closes its own; O_NONBLOCK travels with it.
- Who receives has to have room for the descriptors: the kernel drops those for which there is none. The byte tells how
  many should have come.
- The other end is shut down by whoever will take nothing more. What is in the channel by then can still be received,
  and nothing can be added: no socket is ever between the two for good.
"""

from __future__ import annotations

import socket
from array import array
from collections.abc import Sequence

#: Sockets in one message: what one byte can tell, and below the kernel's SCM_MAX_FD (253).
MOST_AT_ONCE = 64

#: What is received at the end: the other side takes and sends nothing more, or is gone.
END: tuple[int, list[int]] = (0, [])

_ANCILLARY = socket.CMSG_SPACE(MOST_AT_ONCE * array("i").itemsize)


class Channel:
    """Both ends, as the sender has them: `near` is its own, `far` that of the process that receives."""

    def __init__(self) -> None:
        self.near, self.far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.near.setblocking(False)
        self.far.setblocking(False)

    def hand(self, sockets: Sequence[socket.socket]) -> None:
        """Hand over these, MOST_AT_ONCE at most, and close them here. Raise OSError where that fails: all stay here."""
        descriptors = array("i", [sock.fileno() for sock in sockets])
        self.near.sendmsg([bytes([len(sockets)])], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
        for sock in sockets:
            sock.close()

    def take_back(self) -> tuple[int, list[int]]:
        """Return how many sockets were handed over and not received, and the descriptors of those that came back."""
        handed, came = 0, list[int]()
        while (received := receive(self.far)) is not None and received != END:
            handed += received[0]
            came += received[1]
        return handed, came

    def close(self) -> None:
        """Close both ends here."""
        self.near.close()
        self.far.close()


def receive(end: socket.socket) -> tuple[int, list[int]] | None:
    """Return how many sockets the next message should bring and the descriptors that came, END, or None: no message."""
    try:
        said, ancillary, _, _ = end.recvmsg(1, _ANCILLARY, socket.MSG_CMSG_CLOEXEC)
    except BlockingIOError:
        return None
    except ConnectionResetError:
        return END  # The other side is gone, and had not read everything.
    descriptors = array("i")
    for _, _, data in ancillary:
        descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    return (said[0] if said else 0), list(descriptors)
