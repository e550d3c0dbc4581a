"""Master and workers authenticate each other with one key, HOLDFAST_CLUSTER_KEY: CurveZMQ, which also encrypts.

- Both sides derive the same pair of keys from it. Its public half is never sent, so a worker needs the key to begin a
  handshake, and a master needs it to answer one. No list of known workers is kept.
- Whoever records a handshake can try keys against it, so the derivation is slow (scrypt), and the key has a least
  length.
- Without a key, ZeroMQ's own plain handshake is used. A side with a key refuses one without, and the other way round.
- A refusal is only an event of the socket's monitor: ZeroMQ tries again, or is silent, for ever. `Watch` reads them.
"""

import hashlib
import ipaddress
import logging
import time
from collections.abc import Callable
from typing import Any

import zmq
from zmq.utils import z85
from zmq.utils.monitor import parse_monitor_message

from rawsocket.background import TASKS
from rawsocket.settings.plan import Plan, UsageError

VARIABLE = "HOLDFAST_CLUSTER_KEY"
#: A handshake that the other side breaks off is no proof: it may have ended just then. One that fails again and again
#: for so many seconds is.
GRACE_S = 10.0
_SALT = b"holdfast: master and workers"  # the same everywhere, or two machines would derive different keys
_COST = {"n": 1 << 14, "r": 8, "p": 1}  # 16 MB and some 50 ms
logger = logging.getLogger(__name__)


def key_pair(key: str) -> tuple[bytes, bytes]:
    """Return the public and the secret key of CurveZMQ for this text, in ZeroMQ's own encoding (Z85)."""
    secret: bytes = z85.encode(hashlib.scrypt(key.encode(), salt=_SALT, dklen=32, **_COST))
    return zmq.curve_public(secret), secret


def exposed(plan: Plan) -> str:
    """Say that others can reach the port of the workers, and need no key for it; "" if they can't, or do."""
    address = plan.master_published or plan.master_bind
    if plan.cluster_key or address == "localhost":
        return ""
    try:
        if ipaddress.ip_address(address).is_loopback:
            return ""
    except ValueError:
        pass  # a name, or `*`
    return (
        f"warning: any program that reaches {address}:{plan.master_port} can join as a worker: "
        f"set {VARIABLE} on the master and on all workers"
    )


class Sockets:
    """Prepares the sockets between master and workers. `fail` ends the process of a worker with an error."""

    def __init__(self, plan: Plan, fail: Callable[[UsageError], None]) -> None:
        self._plan = plan
        self._fail = fail
        self._keys = key_pair(plan.cluster_key) if plan.cluster_key else None

    def prepare(self, socket: Any) -> None:
        """Set the keys of a socket that is neither bound nor connected yet, and watch its handshakes."""
        master = socket.type == zmq.ROUTER
        if self._keys:
            public, secret = self._keys
            if master:
                socket.curve_server = True
            else:
                socket.curve_serverkey = socket.curve_publickey = public
            socket.curve_secretkey = secret
        watch: Watch = MasterWatch(self._plan) if master else WorkerWatch(self._plan, self._fail)
        monitor = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | FAILED | CLOSED)
        TASKS.start("handshakes", watch.follow, monitor, forever=False)


FAILED = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_AUTH
CLOSED = zmq.EVENT_MONITOR_STOPPED


class Watch:
    """Follows the handshakes of a socket, until the socket is closed."""

    def follow(self, monitor: Any) -> None:
        """Read the monitor's events."""
        while (event := _next(monitor)) != CLOSED:
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self.succeeded()
            else:
                self.failed(certain=event != zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL)
        monitor.close()

    def succeeded(self) -> None:
        """A handshake was completed."""

    def failed(self, *, certain: bool) -> None:
        """A handshake failed. `certain`: the other side speaks another way; or else it broke the handshake off."""


def _next(monitor: Any) -> int:
    """Return the next event; at the end of the process the monitor itself is closed first."""
    try:
        return int(parse_monitor_message(monitor.recv_multipart())["event"])
    except zmq.ZMQError:
        if monitor.closed:
            return int(CLOSED)
        raise


class MasterWatch(Watch):
    """Says once that a worker was refused: a wrong worker may try for ever."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._said = False

    def failed(self, *, certain: bool) -> None:
        """Say it, if nothing was said yet. Which side breaks a handshake off first is chance."""
        if self._said:
            return
        self._said = True
        theirs = "another one there, or not set" if self._plan.cluster_key else "set there, but not here"
        port = self._plan.master_port
        logger.error("a program that connected to port %d as a worker was refused: %s is %s", port, VARIABLE, theirs)


class WorkerWatch(Watch):
    """Ends a worker that its master does not let in."""

    def __init__(self, plan: Plan, fail: Callable[[UsageError], None]) -> None:
        self._plan = plan
        self._fail = fail
        self._since: float | None = None  # of the first failure after the last success

    def succeeded(self) -> None:
        """Forget earlier failures."""
        self._since = None

    def failed(self, *, certain: bool) -> None:
        """Give up if it is certain, or if nothing else has happened for GRACE_S."""
        now = time.monotonic()
        self._since = self._since or now
        if not certain and now - self._since < GRACE_S:
            return
        plan = self._plan
        if plan.cluster_key:
            theirs = "set here, but not there" if certain else "another one there"
        else:
            theirs = "set there, but not here"
        master = f"the master at {plan.master_host}:{plan.master_port}"
        self._fail(UsageError(f"{master} does not let this worker in: {VARIABLE} is {theirs}"))
