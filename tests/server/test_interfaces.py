"""Every host, handler and source of connections has the methods that its interface names."""

import pytest

from server.aio.hub import Hub, LoopWatcher
from server.interfaces import ConnectionSource, Handler, SourceHost, Watcher
from server.models.busy import BusyPoller
from server.models.threaded import AcceptLoop
from server.processes.descriptor_receiver import DescriptorReceiver
from server.processes.supervisor import Supervisor
from server.readiness.acceptor import Acceptor
from server.readiness.connection import Connection
from server.readiness.loop import Loop
from server.readiness.pollers import EpollPoller, PollPoller, SelectPoller
from server.readiness.refusal import Refusal


def _methods(interface: type) -> set[str]:
    return {name for name, value in vars(interface).items() if callable(value) and not name.startswith("_")}


@pytest.mark.parametrize(
    ("interface", "classes"),
    [
        (Handler, (Acceptor, Connection, DescriptorReceiver, Refusal)),
        (ConnectionSource, (Acceptor, DescriptorReceiver)),
        (SourceHost, (Loop, AcceptLoop, Hub, Supervisor)),
        (Watcher, (SelectPoller, PollPoller, EpollPoller, BusyPoller, LoopWatcher)),
    ],
)
def test_each_class_has_the_methods_of_its_interface(interface: type, classes: tuple[type, ...]) -> None:
    assert len(_methods(interface)) >= 2
    for made in classes:
        assert {name for name in _methods(interface) if not callable(getattr(made, name, None))} == set(), made
