"""select only: FD_SETSIZE, and the cap that keeps below it."""

from server.models.select import SelectModel
from tests.support.server_process import running_server
from tests.support.sockets import ask, connections


def test_the_default_cap_is_the_labs_and_fits_below_fd_setsize() -> None:
    with running_server("--model", "select") as server:
        assert server.metrics()["max_connections"] == SelectModel.default_cap == 1000


def test_the_last_connection_of_the_largest_cap_is_served() -> None:
    flags = ("--model", "select", "--max-connections", "1006")
    with running_server(*flags) as server, connections(server.port, 1006) as clients:
        assert ask(clients[-1], b"hello\n") == b"Hello from server!\n"
        assert server.metrics()["connections"] == 1006
