"""Figures: names as pinned, gauges that add up, and the lag of a loop."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from server.metrics import CLOSE_REASONS, Counters, Lag, ServerCollector, exposition


def samples(counters: Counters, waiting: int | None = 0) -> dict[str, float]:
    about = {"model": "select", "framing": "line", "app": "echo"}
    text = exposition(ServerCollector(counters, lambda: 1000, lambda: 7, lambda: waiting, about))().decode()
    return {
        "".join([sample.name, *(f"{{{key}={value}}}" for key, value in sample.labels.items())]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_pinned_names_are_there() -> None:
    names = samples(Counters()).keys()
    assert {
        "holdfast_server_connections",
        "holdfast_server_accepted_total",
        "holdfast_server_refused_total",
        "holdfast_server_messages_total",
        "holdfast_server_replies_total",
        "holdfast_server_bytes_total{direction=in}",
        "holdfast_server_bytes_total{direction=out}",
        "holdfast_server_loop_lag_seconds",
        "holdfast_server_loop_turns_total",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
    } <= names
    assert {f"holdfast_server_closed_total{{reason={reason}}}" for reason in CLOSE_REASONS} <= names


def test_the_counters_are_shown_and_the_gauge_is_their_difference() -> None:
    counters = Counters()
    counters.accepted, counters.refused, counters.messages, counters.replies = 10, 3, 50, 49
    counters.bytes_in, counters.bytes_out, counters.turns = 500, 490, 60
    counters.closed["client"], counters.closed["too-long"] = 3, 1
    found = samples(counters)
    assert found["holdfast_server_connections"] == 6
    assert found["holdfast_server_accepted_total"] == 10
    assert found["holdfast_server_closed_total{reason=client}"] == 3
    assert found["holdfast_server_refused_total"] == 3
    assert found["holdfast_server_replies_total"] == 49
    assert found["holdfast_server_bytes_total{direction=out}"] == 490
    assert found["holdfast_server_max_connections"] == 1000
    assert found["holdfast_server_log_dropped_total"] == 7


def test_the_backlog_is_shown_where_the_kernel_tells_it() -> None:
    assert samples(Counters(), 3)["holdfast_server_backlog"] == 3
    assert "holdfast_server_backlog" not in samples(Counters(), None)


def test_the_figures_say_what_they_are_of() -> None:
    assert samples(Counters())["holdfast_server_info{app=echo}{framing=line}{model=select}"] == 1


def test_the_lag_is_the_longest_turn_of_the_last_full_second_and_since() -> None:
    lag = Lag()
    lag.away(100.0)
    lag.back(100.1)
    lag.away(100.4)
    lag.back(100.5)
    lag.away(100.6)
    assert round(lag.seconds(100.7), 6) == 0.3
    lag.back(101.05)
    lag.away(101.1)
    assert round(lag.seconds(101.2), 6) == 0.3  # Of the last full second.
    lag.back(102.15)
    lag.away(102.25)
    assert round(lag.seconds(102.3), 6) == 0.1  # Older than that is forgotten.
    assert lag.seconds(110.0) == 0.0  # A model that waits for long has no old lag.


def test_a_turn_that_goes_on_shows_while_it_does() -> None:
    lag = Lag()
    lag.away(100.0)
    lag.back(100.5)
    assert lag.seconds(107.5) == 7.0


def test_no_turn_no_lag() -> None:
    assert Lag().seconds(5000.0) == 0.0
    lag = Lag()
    lag.away(5000.0)
    assert lag.seconds(5000.5) == 0.0
