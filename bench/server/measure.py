"""A measured window of a server: its CPU and the replies of the same time, and what the host took meanwhile."""

import time

from bench.harness import procfs
from bench.load.experiments import Values
from bench.server.clients.group import Fleet
from bench.server.clients.load_client import Load
from bench.server.contenders import Running
from lab.errors import LabError
from lab.waiting import wait_for

STILL = 4  # as many weights in a row, each 0.1 s, must be the same
SETTLE_S = 20.0


def window(load: Load | Fleet, server: Running, seconds: float) -> Values:
    """Give {seconds, messages, cpu_s, busy, stolen} of so many seconds; CPU is that of all threads of the server.

    The client reads the server's CPU clock (nanoseconds) and its own count at the same moment.
    """
    pids, since = server.pids(), procfs.Since()
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


def cpu(load: Load | Fleet, server: Running, seconds: float) -> Values:
    """Give a window, and the microseconds of CPU for each message of it; LabError if there was none."""
    found = window(load, server, seconds)
    if not found["messages"]:
        raise LabError("no message was answered while it was measured")
    per_s = found["messages"] / found["seconds"]
    return {"us": found["cpu_s"] * 1e6 / found["messages"], "per_s": per_s, **found}


def closed_loop(load: Load | Fleet, server: Running, active: int, warm_s: float, seconds: float) -> Values:
    """Give what `cpu` gives of a closed loop over so many connections, which has run for `warm_s` seconds before."""
    load.closed(active)
    time.sleep(warm_s)
    found = cpu(load, server, seconds)
    load.stop()
    return found


def settled_kb(server: Running) -> int:
    """Give the user memory of the server's processes, once it is the same for a while."""
    weights: list[int] = []

    def still() -> bool:
        weights.append(sum(procfs.rss_kb(pid) for pid in server.pids()))
        return len(weights) >= STILL and len(set(weights[-STILL:])) == 1

    wait_for("its weight to be still", still, SETTLE_S, server.died, server.process.text, 0.1)
    return weights[-1]


def shared_kb(server: Running) -> int:
    """Give the same, what processes share being counted in parts; so it depends on who else runs the same programs."""
    return sum(procfs.pss_kb(pid) for pid in server.pids())
