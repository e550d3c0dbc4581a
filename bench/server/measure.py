"""A measured window of a server: its CPU time, its replies in the same time, the steal time. And its memory."""

import time

from bench.harness import procfs
from bench.results.record import Values
from bench.server.clients.group import ClientGroup
from bench.server.clients.load_client import LoadClient
from bench.server.contenders import RunningServer
from lab.errors import LabError
from lab.waiting import wait_for

Client = LoadClient | ClientGroup
SAME = 4  # so many samples in a row, 0.1 s apart, must be the same
SETTLE_S = 20.0


def window(load: Client, server: RunningServer, seconds: float) -> Values:
    """Return {seconds, messages, cpu_s, busy, stolen} of so many seconds; CPU time is of all threads of the server.

    The client reads the server's CPU clock (in nanoseconds) and its own count at the same moment.
    """
    pids, since = server.pids(), procfs.HostUsage()
    first = load.counts(pids)
    time.sleep(seconds)
    last = load.counts(pids)
    return {
        "seconds": last["now"] - first["now"],
        "messages": last["messages"] - first["messages"],
        "cpu_s": last["cpu_s"] - first["cpu_s"],
        "busy": since.busy,
        "stolen": since.stolen,
    }


def cpu(load: Client, server: RunningServer, seconds: float) -> Values:
    """Return a window, and `us`, the CPU time of a message in it; LabError if there was no message."""
    found = window(load, server, seconds)
    if not found["messages"]:
        raise LabError("no message was answered while it was measured")
    per_s = found["messages"] / found["seconds"]
    return {"us": found["cpu_s"] * 1e6 / found["messages"], "per_s": per_s, **found}


def closed_loop(load: Client, server: RunningServer, active: int, warm_s: float, seconds: float) -> Values:
    """Return what `cpu` returns for a closed loop over `active` connections after `warm_s` seconds."""
    load.closed(active)
    time.sleep(warm_s)
    found = cpu(load, server, seconds)
    load.stop()
    return found


def settled_kb(server: RunningServer) -> int:
    """Return the user memory of the server's processes, when it has stopped changing."""
    samples: list[int] = []

    def settled() -> bool:
        samples.append(sum(procfs.rss_kb(pid) for pid in server.pids()))
        return len(samples) >= SAME and len(set(samples[-SAME:])) == 1

    wait_for("its memory to settle", settled, SETTLE_S, server.died, server.process.text, 0.1)
    return samples[-1]


def shared_kb(server: RunningServer) -> int:
    """Return the user memory as Pss: a page shared by n processes, whichever they are, counts 1/n."""
    return sum(procfs.pss_kb(pid) for pid in server.pids())
