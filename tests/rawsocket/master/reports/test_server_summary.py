from typing import Any

import pytest

from rawsocket.master.reports import server_summary
from tests.support.documents import USED

ALONE = {
    "info": {"model": "epoll", "framing": "line"},
    "connections": 40,
    "max_connections": 19_000,
    "processes": 1,
    "processes_wanted": 1,
    "respawns_total": 0,
    "loop_lag_seconds": 0.00314,
}
SHARED = {
    **ALONE,
    "info": {"model": "select"},
    "connections": 2790,
    "max_connections": 12_000,
    "processes": 3,
    "processes_wanted": 12,
    "respawns_total": 2,
    "closed_total": {"client": 4, "lost": 930},
    "process_connections": {"10": 929, "0": 931, "2": 930},
    "process_accepted_total": {"10": 929, "0": 1861, "2": 930},
    "process_memory_bytes": {"10": 3_000_000, "0": 3_100_000, "2": 3_200_000},
}
RATES = {"messages_total": 1234.56, "cpu_seconds": 0.3456, "loop_turns_total": 99.94}


def _rate(name: str) -> float | None:
    return RATES[name]


def _unknown(_: str) -> None:
    return None


def test_processes_are_sorted_by_number() -> None:
    assert server_summary.processes(SHARED) == [
        {"process": 0, "held": 931},
        {"process": 2, "held": 930},
        {"process": 10, "held": 929},
    ]
    assert server_summary.processes(ALONE) == server_summary.processes(None) == []


def test_state_of_a_server() -> None:
    assert server_summary.state(SHARED, _rate) == {
        "model": "select",
        "max_connections": 12_000,
        "processes": 3,
        "processes_wanted": 12,
        "respawns": 2,
        "messages_s": 1234.6,
        "cpu_share": 0.346,
        "lag_ms": 3.1,
        "turns_s": 99.9,
        "memory_bytes": 9_300_000,
    }


def test_missing_counter_is_unknown() -> None:
    assert server_summary.state(None, _rate) is None
    found = server_summary.state({"connections": 3}, _unknown)
    assert found
    assert set(found.values()) == {None}


@pytest.mark.parametrize(
    ("grown", "said"),
    [
        (None, None),
        (ALONE, None),
        (SHARED, "3 of 12 serving, 2 respawned (930 connections lost), 929 to 1861 accepted each"),
        ({**SHARED, "respawns_total": 0}, "3 of 12 serving, 929 to 1861 accepted each"),
    ],
)
def test_summary_row_of_a_server(grown: dict[str, Any] | None, said: str | None) -> None:
    assert server_summary.figures(grown) == ([("server's processes", said)] if said else [])


def test_cpu_and_memory_of_a_server_in_the_place_of_ours() -> None:
    said = "25% of a core (at most 150% of a core), 12.3 MB at most"
    assert server_summary.figures(USED) == [("server's CPU and memory", said)]
    rows = dict(server_summary.usage(USED))
    assert (rows["server"], rows["CPU time"], rows["memory, limit"]) == (
        "SERVER_IMAGE=redis:7",
        "12.35 s",
        "1,000.0 MB",
    )
    assert rows["measured by"] == "the containers' engine"


def test_figures_that_are_unknown() -> None:
    unknown = {**USED, "cpu_share_mean": None, "memory_limit_bytes": None, "source": "/proc"}
    assert server_summary.figures(unknown) == [("server's CPU and memory", "12.3 MB at most")]
    rows = dict(server_summary.usage(unknown))
    assert (rows["CPU, mean"], rows["measured by"], "memory, limit" in rows) == ("unknown", "/proc", False)
