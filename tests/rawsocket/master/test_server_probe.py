from collections.abc import Callable
from typing import Any

import pytest

from rawsocket.master.server_probe import OWN_CPU, STALE_S, STARTED, ServerProbe, parse, restarted, since
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
SHARED = """holdfast_server_connections 5.0
holdfast_server_processes_wanted 2.0
holdfast_server_process_connections{process="0"} 3.0
holdfast_server_process_connections{process="1"} 2.0
# TYPE holdfast_server_process_closed_total counter
holdfast_server_process_closed_total{process="1",reason="client"} 7.0
# TYPE holdfast_server_process_cpu_seconds_total counter
holdfast_server_process_cpu_seconds_total{process="0"} 1.25
holdfast_server_process_cpu_seconds_total{process="1"} 0.75
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 0.5
"""
COUNTERS = {
    "connections": 12,
    "accepted_total": 40,
    "closed_total": {"idle": 3, "peer": 25},
    "loop_lag_seconds": 0.25,
}


def test_parse_reads_only_the_servers_own_counters() -> None:
    assert parse(TEXT) == COUNTERS


def test_parse_keeps_the_start_time_and_the_info_labels() -> None:
    more = 'holdfast_server_info{model="select",framing="line"} 1.0\nprocess_start_time_seconds 1.7e+09\n'
    found = parse(TEXT + more)
    assert (found["info"], found[STARTED]) == ({"model": "select", "framing": "line"}, 1.7e9)


def test_parse_keeps_counters_of_each_process_and_sums_cpu_time() -> None:
    assert parse(SHARED) == {
        "connections": 5,
        "processes_wanted": 2,
        "process_connections": {"0": 3, "1": 2},
        "process_closed_total": {"1/client": 7},
        "process_cpu_seconds_total": {"0": 1.25, "1": 0.75},
        "cpu_seconds": 2.5,
    }


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [
        ({STARTED: 5.0, "accepted_total": 3}, {STARTED: 5.0, "accepted_total": 3}, False),
        ({STARTED: 5.0, "accepted_total": 3}, {STARTED: 6.0, "accepted_total": 9}, True),
        ({"accepted_total": 3, "connections": 3}, {"accepted_total": 3, "connections": 1}, False),
        ({"accepted_total": 3}, {"accepted_total": 2}, True),
        ({"closed_total": {"client": 2}}, {"closed_total": {"client": 1, "reset": 5}}, True),
        ({"closed_total": {"client": 2}}, {"closed_total": {"client": 2, "reset": 5}}, False),
        # It could not read what the kernel says of it: it had no descriptor left.
        ({STARTED: 5.0, OWN_CPU: 2, "accepted_total": 3}, {"accepted_total": 3}, False),
        ({"accepted_total": 3}, {STARTED: 5.0, OWN_CPU: 2, "accepted_total": 3}, False),
        ({STARTED: 5.0, "accepted_total": 3}, {"accepted_total": 1}, True),
        # One process was replaced or has ended: only the totals matter.
        ({"process_accepted_total": {"0": 9, "1": 8}}, {"process_accepted_total": {"0": 1}}, False),
    ],
)
def test_restart_is_another_start_time_or_a_lower_count(
    start: dict[str, Any], end: dict[str, Any], wanted: bool
) -> None:
    assert restarted(start, end) is wanted


def test_totals_count_from_the_start_of_the_run() -> None:
    start = {"accepted_total": 30, "closed_total": {"peer": 20}, "connections": 5}
    assert since(start, COUNTERS) == {
        "connections": 12,
        "accepted_total": 10,
        "closed_total": {"idle": 3, "peer": 5},
        "loop_lag_seconds": 0.25,
    }


def test_restarted_server_counts_from_its_own_start() -> None:
    assert since({"accepted_total": 100}, {"accepted_total": 40}) == {"accepted_total": 40}


def test_restarted_process_counts_from_its_own_start() -> None:
    counts = "process_accepted_total", "process_closed_total"
    start = {"process_pid": {"0": 11, "1": 12}} | {name: {"0": 5, "1/client": 5} for name in counts}
    end = {"process_pid": {"0": 11, "1": 13, "2": 14}} | {name: {"0": 9, "1/client": 9, "2": 3} for name in counts}
    assert since(start, end) == end | {name: {"0": 4, "1/client": 9, "2": 3} for name in counts}


def test_rate_is_between_the_last_two_answers() -> None:
    clock, texts = Clock(), iter([40, 50, 90, 10])
    probe = ServerProbe("http://server:8687", lambda _: f"holdfast_server_accepted_total {next(texts)}\n", clock)
    rates = []
    for _ in range(4):
        probe.poll()
        rates.append(probe.rate("accepted_total"))
        clock.now += 2
    assert rates == [None, 5.0, 20.0, None]  # also unknown after a restart of the server
    assert probe.rate("refused_total") is None
    clock.now += STALE_S
    assert probe.rate("accepted_total") is None


def test_held_is_the_latest_count_unless_it_is_stale() -> None:
    clock, asked = Clock(), []
    probe = ServerProbe("http://server:8687/", lambda url: asked.append(url) or TEXT, clock)
    assert probe.held is None
    probe.poll()
    assert (probe.held, asked) == (12, ["http://server:8687/metrics"])
    assert probe.last_known == probe.counters
    clock.now += STALE_S
    assert probe.held is None
    assert probe.counters is None
    assert (probe.last_known or {})["connections"] == 12  # its model and its cap don't change


def test_age_of_an_answer_counts_from_its_request() -> None:
    clock = Clock()

    def slow(_: str) -> str:
        clock.now += STALE_S / 2
        return TEXT

    probe = ServerProbe("http://server:8687", slow, clock)
    probe.poll()
    assert probe.held == 12
    clock.now += STALE_S / 2
    assert probe.held is None


@pytest.mark.parametrize("error", [ConnectionRefusedError("no"), ValueError("not metrics")])
def test_unreachable_server_is_unknown_and_logged_once(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    def get(_: str) -> str:
        raise error

    probe = ServerProbe("http://server:8687", get)
    with caplog.at_level("INFO"):
        probe.poll()
        probe.poll()
    assert probe.held is None
    assert len(caplog.records) == 1


def test_probe_without_an_admin_port_sends_no_request() -> None:
    probe = ServerProbe("", lambda _: pytest.fail("asked"))
    probe.poll()
    probe.run()
    assert probe.held is None
    assert probe.poll() is probe.poll_until_quiet(0, 5.0) is None
    assert not probe.present


def _scripted(clock: Clock, *answers: str | None) -> tuple[ServerProbe, list[str]]:
    """A probe whose server gives these answers in turn, then repeats the last; None: no answer."""
    asked: list[str] = []

    def get(url: str) -> str:
        asked.append(url)
        clock.now += 0.5
        answer = answers[min(len(asked), len(answers)) - 1]
        if answer is None:
            raise ConnectionRefusedError("no")
        return answer

    return ServerProbe("http://server:8687", get, clock), asked


def _answer(connections: int, closed: int, backlog: int = 0) -> str:
    return (
        f"holdfast_server_connections {connections}\nholdfast_server_backlog {backlog}\n"
        f'holdfast_server_accepted_total 9\nholdfast_server_closed_total{{reason="client"}} {closed}\n'
    )


def test_poll_until_quiet_polls_until_no_count_changes() -> None:
    probe, asked = _scripted(Clock(), _answer(3, 6), _answer(1, 8, 2), _answer(1, 8, 1), _answer(1, 9), _answer(1, 9))
    last = probe.poll_until_quiet(held=1, seconds=60)
    assert last
    assert (last["connections"], last["closed_total"], len(asked)) == (1, {"client": 9}, 5)


@pytest.mark.parametrize(
    ("last", "wanted"),
    [
        (_answer(3, 6), lambda found: found["connections"] == 3),
        (None, lambda found: found is None),
    ],
)
def test_poll_until_quiet_has_a_time_limit(last: str | None, wanted: Callable[[Any], bool]) -> None:
    probe, asked = _scripted(Clock(), _answer(3, 6), last)
    assert wanted(probe.poll_until_quiet(held=0, seconds=2.0))
    assert len(asked) == 4
