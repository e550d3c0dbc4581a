"""Newcomers: connections that a drill itself opens from a worker's network, at once, and closes when they are there."""

import json

from lab.drills.namespace.helper import Helper

REFUSED, NOT_IN_TIME = "refused", "not in time"
# Runs in the helper: seconds of each connect, or the name of its failure.
_CONNECT = """
import errno, json, select, socket, sys, time
host, port, count, timeout = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
address = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0][4]
begun, found, waiting, poll = time.monotonic(), [], {}, select.poll()
for _ in range(count):
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex(address)
    waiting[one.fileno()] = one
    poll.register(one, select.POLLOUT)
while waiting and (left := begun + timeout - time.monotonic()) > 0:
    for number, _ in poll.poll(left * 1000):
        poll.unregister(number)
        one = waiting.pop(number)
        failed = one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        names = {0: time.monotonic() - begun, errno.ECONNREFUSED: "refused"}
        found.append(names.get(failed, errno.errorcode.get(failed, "?")))
        one.close()
print(json.dumps(found + ["not in time"] * len(waiting)))
"""


def connect(helper: Helper, host: str, port: int, count: int, timeout: float) -> list[float | str]:
    """Open `count` connections at once; gives for each the seconds that it took, or why it failed."""
    arguments = [host, str(port), str(count), f"{timeout:g}"]
    return list(json.loads(helper.run("python3", "-c", _CONNECT, *arguments)))


# A listener that accepts nothing: the kernel answers first packets by itself. It ends with its helper.
_LISTEN = """
import os, signal, socket
listener = socket.create_server(("0.0.0.0", 0), backlog=4096)
print(listener.getsockname()[1], flush=True)
if os.fork() == 0:
    os.setsid()
    for number in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), number)
    signal.alarm(120)
    signal.pause()
"""


def listen(helper: Helper) -> int:
    """Listen beside the server, so that newcomers don't reach it and its counts; gives the port."""
    return int(helper.run("python3", "-c", _LISTEN))


def linear_timeouts(helper: Helper) -> int:
    """Return how many first packets Linux repeats each second before it waits longer each time; 0 before Linux 6.5."""
    return int(helper.run("sh", "-c", "cat /proc/sys/net/ipv4/tcp_syn_linear_timeouts 2>/dev/null || echo 0"))


def steps(linear: int, timeout: float) -> list[float]:
    """Return the seconds at which Linux sends the first packet of a connection: 0, 1, 3, 7 with `linear` 0."""
    times, now, gap, sent = [], 0.0, 1.0, 0
    while now < timeout:
        times.append(now)
        sent += 1
        now += gap
        gap *= 2 if sent > linear else 1
    return times
