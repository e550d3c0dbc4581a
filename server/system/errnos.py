"""What the kernel's refusals mean for a server, as named sets of errno values.

Sources: accept(2), tcp(7) and send(2) of the Linux manual pages.
"""

import errno

#: Nothing to do now; the poller will say when.
WOULD_BLOCK = frozenset({errno.EAGAIN, errno.EWOULDBLOCK})

#: The peer has closed or reset the connection.
PEER_GONE = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN, errno.ESHUTDOWN, errno.ECONNABORTED})

#: The peer was not heard of for so long that the kernel gave up (keepalive, TCP_USER_TIMEOUT), or the way is lost.
PEER_LOST = frozenset(
    {errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.ENONET}
)

#: accept() found no room: descriptors of the process or the machine, or memory. Asking again at once would spin.
CAPACITY = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

#: accept() failed for this one newcomer only: it left, or a firewall or the network spoke. The next may be fine.
NEWCOMER_LOST = PEER_LOST | {errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.ENOPROTOOPT, errno.EOPNOTSUPP}
