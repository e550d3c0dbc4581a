"""epoll only: its cap follows the descriptor limit."""

from server.models.epoll import EpollModel
from tests.support.server_process import running_server


def test_the_default_cap_follows_the_descriptor_limit() -> None:
    assert EpollModel.default_cap is None
    with running_server("--model", "epoll") as server:
        metrics = server.metrics()
        assert metrics["process_max_fds"] - 40 < metrics["max_connections"] < metrics["process_max_fds"]
