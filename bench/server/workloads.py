"""The shapes of load that rows rest on: so many of so many connections active, in a closed or an open loop."""

from pathlib import Path

from bench.harness.procfs import Since
from bench.load.experiments import Values
from bench.server import measure
from bench.server.clients.group import Fleet
from bench.server.clients.load_client import Load
from bench.server.contenders import Server, running
from bench.server.row import Bench, Experiment

WARM_S = 0.3
CLOSED_S = 1.5
OPEN_S = 2.0


def closed(active: int, held: int) -> Experiment:
    """One message in flight on each active connection, the next as soon as its reply is there: CPU per message."""

    def once(bench: Bench, server: Server, folder: Path) -> Values:
        with running(server, folder) as at_work, Load(bench.load, at_work.port) as load:
            load.hold(held)
            return measure.closed_loop(load, at_work, active, WARM_S, bench.window_s or CLOSED_S)

    return Experiment(f"{active} of {held}", 5, once)


def paced(active: int, held: int, rate: int) -> Experiment:
    """So many messages a second over the active connections, each sent when it is due: latency from due."""

    def once(bench: Bench, server: Server, folder: Path) -> Values:
        with running(server, folder) as at_work, Load(bench.load, at_work.port) as load:
            load.hold(held)
            load.open(active, rate, WARM_S)
            return latency(load, active, rate, bench.window_s or OPEN_S)

    return Experiment(f"{active} of {held} at {rate} a second", 3, once)


def latency(load: Load | Fleet, active: int, rate: float, seconds: float) -> Values:
    """Give p50_us and p99_us from due, p99_sent_us from sent, late_us, by which the client itself was late (p99), and
    what the host took and how many cores were busy meanwhile.

    The client waits for no reply before it sends: so from sent hides no stall of the server either, and is free of what
    the client did wrong.
    """
    since = Since()
    found = load.open(active, rate, seconds)
    host = {"busy": since.busy, "stolen": since.stolen}
    due, sent, late = found["due_us"], found["sent_us"], found["late_us"]
    return {"p50_us": due["p50"], "p99_us": due["p99"], "p99_sent_us": sent["p99"], "late_us": late["p99"], **host}


ALL_100 = closed(100, 100)
ALL_900 = closed(900, 900)
FEW = closed(10, 900)
