"""The workloads that rows share: some of the held connections active, in a closed or an open loop."""

from pathlib import Path

from bench.harness.procfs import HostUsage
from bench.results.record import Values
from bench.server.clients.load_client import LoadClient
from bench.server.contenders import ServerSpec, running
from bench.server.measure import Client, closed_loop
from bench.server.row import ServerBench, ServerExperiment

WARM_S = 0.3
CLOSED_S = 1.5
OPEN_S = 2.0


def closed(active: int, held: int) -> ServerExperiment:
    """One message in flight on each active connection, the next when its reply has come: CPU per message."""

    def measure(bench: ServerBench, spec: ServerSpec, folder: Path) -> Values:
        with running(spec, folder) as server, LoadClient(bench.client, server.port) as load:
            load.hold(held)
            return closed_loop(load, server, active, WARM_S, bench.window_s or CLOSED_S)

    return ServerExperiment(f"{active} of {held}", 5, measure)


def paced(active: int, held: int, rate: int) -> ServerExperiment:
    """Messages at `rate` a second over the active connections, each sent when it is due: latency from due."""

    def measure(bench: ServerBench, spec: ServerSpec, folder: Path) -> Values:
        with running(spec, folder) as server, LoadClient(bench.client, server.port) as load:
            load.hold(held)
            load.open(active, rate, WARM_S)
            return latency(load, active, rate, bench.window_s or OPEN_S)

    return ServerExperiment(f"{active} of {held} at {rate} a second", 3, measure)


def latency(load: Client, active: int, rate: float, seconds: float) -> Values:
    """Return p50_us and p99_us from due, p99_sent_us from sent, late_us (how late the client itself was, p99), steal
    time and the busy cores.

    The client never waits for a reply before it sends: so the latency from sent does not hide a stall of the server
    either, and it excludes the lateness of the client.
    """
    since = HostUsage()
    found = load.open(active, rate, seconds)
    host = {"busy": since.busy, "stolen": since.stolen}
    due, sent, late = found["due_us"], found["sent_us"], found["late_us"]
    return {"p50_us": due["p50"], "p99_us": due["p99"], "p99_sent_us": sent["p99"], "late_us": late["p99"], **host}


ALL_100 = closed(100, 100)
ALL_900 = closed(900, 900)
FEW = closed(10, 900)
