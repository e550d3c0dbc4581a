import pytest

from rawsocket.master.server_probe import STALE_S, ServerProbe, parse, since
from tests.support.reports import Clock

TEXT = """# HELP holdfast_server_connections Open.
# TYPE holdfast_server_connections gauge
holdfast_server_connections 12.0
# TYPE holdfast_server_accepted_total counter
holdfast_server_accepted_total 40.0
# TYPE holdfast_server_closed_total counter
holdfast_server_closed_total{reason="idle"} 3.0
holdfast_server_closed_total{reason="peer"} 25.0
# TYPE holdfast_server_loop_lag_seconds gauge
holdfast_server_loop_lag_seconds 0.25
# TYPE process_open_fds gauge
process_open_fds 20.0
"""
COUNTERS = {
    "connections": 12,
    "accepted_total": 40,
    "closed_total": {"idle": 3, "peer": 25},
    "loop_lag_seconds": 0.25,
}


def test_the_servers_own_counters_are_read() -> None:
    assert parse(TEXT) == COUNTERS


def test_totals_count_from_the_start_of_the_run() -> None:
    start = {"accepted_total": 30, "closed_total": {"peer": 20}, "connections": 5}
    assert since(start, COUNTERS) == {
        "connections": 12,
        "accepted_total": 10,
        "closed_total": {"idle": 3, "peer": 5},
        "loop_lag_seconds": 0.25,
    }


def test_a_server_restarted_meanwhile_counts_from_its_own_start() -> None:
    assert since({"accepted_total": 100}, {"accepted_total": 40}) == {"accepted_total": 40}


def test_held_is_what_the_server_said_last_unless_that_is_old() -> None:
    clock, asked = Clock(), []
    probe = ServerProbe("http://server:8687/", lambda url: asked.append(url) or TEXT, clock)
    assert probe.held is None
    probe.poll()
    assert (probe.held, asked) == (12, ["http://server:8687/metrics"])
    clock.now += STALE_S
    assert probe.held is None
    assert probe.counters is None


@pytest.mark.parametrize("error", [ConnectionRefusedError("no"), ValueError("not metrics")])
def test_an_unreachable_server_is_unknown_and_logged_once(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    def get(_: str) -> str:
        raise error

    probe = ServerProbe("http://server:8687", get)
    with caplog.at_level("INFO"):
        probe.poll()
        probe.poll()
    assert probe.held is None
    assert len(caplog.records) == 1


def test_no_admin_port_is_never_asked() -> None:
    probe = ServerProbe("", lambda _: pytest.fail("asked"))
    probe.poll()
    probe.run()
    assert probe.held is None
