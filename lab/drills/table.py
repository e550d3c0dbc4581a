"""All drills, in the order in which `lab drill list` shows them and `lab drill all` runs them."""

from lab.drills import clients, network, shortage
from lab.drills.drill import Drill
from lab.drills.processes.master_killed import MasterKilled
from lab.drills.processes.process_killed import ProcessKilled
from lab.drills.processes.processes_rolling import ProcessesRolling
from lab.drills.processes.reconnect_herd import ReconnectHerd, ReconnectHerdNoJitter
from lab.drills.processes.server_frozen import ServerFrozen
from lab.drills.processes.server_killed import ServerKilled
from lab.drills.processes.worker_frozen import WorkerFrozen
from lab.drills.processes.worker_killed import WorkerKilled

DRILLS: tuple[Drill, ...] = (
    ServerFrozen(),
    ServerKilled(),
    ReconnectHerd(),
    ReconnectHerdNoJitter(),
    ProcessKilled(),
    ProcessesRolling(),
    WorkerKilled(),
    WorkerFrozen(),
    MasterKilled(),
    *clients.DRILLS,
    *shortage.DRILLS,
    *network.DRILLS,
)


def by_name() -> dict[str, Drill]:
    """Return the drills by name."""
    return {drill.name: drill for drill in DRILLS}
