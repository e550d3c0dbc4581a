"""errno values grouped by what they mean for a server.

Sources: accept(2), tcp(7) and send(2) of the Linux manual pages.
"""

import errno

#: Nothing to do now; the poller reports the descriptor when there is.
WOULD_BLOCK = frozenset({errno.EAGAIN, errno.EWOULDBLOCK})

#: The peer has closed or reset the connection.
PEER_GONE = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN, errno.ESHUTDOWN, errno.ECONNABORTED})

#: The kernel gave the peer up (keepalive, TCP_USER_TIMEOUT), or the network path is gone.
PEER_LOST = frozenset(
    {errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.ENONET}
)

#: accept() had no resources: descriptors of the process or the machine, or memory. An immediate retry would spin.
OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

#: accept() failed for this one connection: it was aborted, or the network or a firewall failed it. The next may work.
ACCEPT_ABORTED = PEER_LOST | {errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.ENOPROTOOPT, errno.EOPNOTSUPP}


class TlsError(OSError):
    """The peer broke the rules of TLS, or left in the handshake. Its text is OpenSSL's reason."""


def close_reason(error: Exception) -> str:
    """Return the reason for closing, one of CLOSE_REASONS, that `error` stands for. Log what is `failed`."""
    if isinstance(error, TlsError):
        return "tls"
    number = getattr(error, "errno", None)
    if number in PEER_GONE:
        return "reset"
    return "timed-out" if number in PEER_LOST else "failed"
