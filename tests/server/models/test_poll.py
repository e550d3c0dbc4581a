"""poll only: no limit at FD_SETSIZE."""

from server.models.poll import PollModel
from tests.support.server_process import running_server


def test_the_default_cap_follows_the_descriptor_limit() -> None:
    assert PollModel.default_cap is None
    with running_server("--model", "poll") as server:
        metrics = server.metrics()
        assert metrics["process_max_fds"] - 40 < metrics["max_connections"] < metrics["process_max_fds"]
