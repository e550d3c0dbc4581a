"""busy only: it answers every client, and uses a whole core for nothing."""

from server.models.busy import BusyPoller
from tests.support.server_process import running_server
from tests.support.sockets import connections, eventually


def test_busy_uses_cpu_time_while_all_connections_are_silent() -> None:
    with running_server("--model", "busy") as server, connections(server.port, 3):
        before, turns = server.cpu_seconds(), server.metrics()["loop_turns_total"]
        eventually(lambda: server.cpu_seconds() - before >= 0.3, "it has burnt 0.3 s")
        assert server.metrics()["loop_turns_total"] - turns > 1000


def test_every_watched_descriptor_is_reported_at_once_in_order() -> None:
    everyone = BusyPoller()
    for fd in (3, 1, 2):
        everyone.watch(fd, True, fd == 1)
    assert everyone.wait(60.0) == ([3, 1, 2], [1])
    everyone.watch(3, False, True)
    everyone.forget(2)
    everyone.forget(2)
    assert everyone.wait(60.0) == ([1], [1, 3])
    everyone.close()
