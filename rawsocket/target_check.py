"""Checks before a run that TARGET can be loaded from here: its name is known, and something listens there.

Without this check a wrong address is a run in which every connect is `refused`, and the verdict blames the server.

Rules:

- The lab's own server is not checked: the lab starts the run only once its server is ready.
- The check opens one connection and closes it at once, before the run starts and its counts begin.
- Every way in which it can fail is a usage error, one line: no run was made, so nothing is known about the server.
"""

import errno
import socket
import time
from collections.abc import Callable

from rawsocket.settings.plan import UsageError
from rawsocket.target import Target

ANSWER_S = 5.0  # for one attempt
AGAIN_S = 0.25  # between two attempts
SAY_S = 5.0  # between two lines about the wait
WAITING = "waiting for"  # begins each of these lines: the lab passes them on at once
_NO_WAY_OUT = (
    "the workers have no way out of the network of compose.yaml; "
    "use `python -m lab`, or add the options `-f compose.yaml -f compose.target.yaml` to compose"
)


def look_up(target: Target) -> None:
    """Look the target's name up once. Raises UsageError."""
    try:
        socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UsageError(f"TARGET={target}: {_why(error)}; check the name") from None


def wait_for(target: Target, wait_s: float, say: Callable[[str], None], *, way_out: bool = True) -> None:
    """Return once something listens at the target; with `wait_s` 0, after one attempt.

    `say` gets a line about the wait when it starts, every 5 s, and when it ends. `way_out` False: only a target on a
    network of this machine counts, because the workers reach no other. Raises UsageError when the time is over.
    """
    if why := _wait(target, wait_s, say, way_out=way_out):
        raise UsageError(_refusal(target, why, wait_s))


def wait_for_server(target: Target, wait_s: float, say: Callable[[str], None]) -> None:
    """Return once the server listens that the lab has started in the place of its own. Raises UsageError."""
    if why := _wait(target, wait_s, say):
        raise UsageError(
            f"your server can't be reached on port {target.port} after {wait_s:g} s: {why}; it must listen on all "
            "addresses (0.0.0.0) of its container; SERVER_LISTEN names another port, WAIT=2m waits longer"
        )


def _wait(target: Target, wait_s: float, say: Callable[[str], None], *, way_out: bool = True) -> str:
    """Wait until something listens; return why nothing did in the end, or ""."""
    started = time.monotonic()
    due = 0.0
    while why := problem(target, way_out=way_out):
        waited = time.monotonic() - started
        if waited >= wait_s:
            return why
        if waited >= due:
            due = waited + SAY_S
            say(f"{WAITING} {target}: {why}; {waited:.0f} of {wait_s:.0f} s")
        time.sleep(min(AGAIN_S, wait_s - waited))
    if due:
        say(f"{WAITING} {target}: it answers after {time.monotonic() - started:.0f} s")
    return ""


def problem(target: Target, *, way_out: bool = True) -> str:
    """Try to connect once; return why that failed, "" if something listens there."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except OSError as error:
        return _why(error)
    why = ""
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as probe:
            probe.settimeout(ANSWER_S)
            if not way_out:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1)
            try:
                probe.connect(address)
            except OSError as error:
                why = _NO_WAY_OUT if not way_out and error.errno == errno.ENETUNREACH else _why(error)
                continue
            return ""
    return why


def _why(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return f"the name can't be resolved ({error.strerror})"
    if isinstance(error, TimeoutError):
        return f"no answer within {ANSWER_S:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there (connection refused)"
    return f"it can't be reached ({error.strerror})"


def _refusal(target: Target, why: str, wait_s: float) -> str:
    if why == _NO_WAY_OUT:
        return f"TARGET={target}: {why}"
    if wait_s:
        return f"TARGET={target}: {why}, and WAIT={wait_s:g}s is over; check the address, or raise WAIT"
    return f"TARGET={target}: {why}; check the address, or give WAIT=30s if it is still starting"
