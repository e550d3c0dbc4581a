"""Answers of a lab in different states, as the page gets them; their figures are made up.

`state(name)` is /lab/state.json, `timeline(name)` is /lab/timeline.json. All are of a run of `hold` with 800 users on
two workers against the lab's server, which holds 1,000 connections.
"""

import math
from typing import Any

from tests.support import levels

Document = dict[str, Any]
NAMES = ("starting", "running", "full-server", "frozen-server", "lost-worker", "pass", "fail", "unknown")
RUN = "2026-11-27T10:00:00Z"
STARTED = {"at_s": 4.0, "kind": "ramp-complete", "text": "all users started: 800", "label": "all users started"}


def worker(number: int, **changes: Any) -> Document:
    """A healthy worker that holds 400 connections."""
    return {
        "id": f"worker-{number}_0f{number}", "name": f"worker {number}", "state": "running", "users": 400, "held": 400,
        "messages_s": 40.1, "failures": 0, "cpu_share": 0.08 + number / 100, "lag_p99_ms": 1.93, "lag_max_ms": 11.8,
        "turns_s": 212.4, "stolen_share": 0.0, "throttled_share": None, "report_age_s": 0.4, "lost": False,
        "why_lost": "", **changes,
    }  # fmt: skip


def check(name: str, title: str, limit: float, actual: float | None, unit: str = "", text: str = "") -> Document:
    """A threshold as verdict.json has it."""
    ok = None if actual is None else (actual >= limit if name.startswith("min_") else actual <= limit)
    return {"name": name, "title": title, "unit": unit, "limit": limit, "actual": actual, "ok": ok, "text": text}


def checks(p99: float | None = 4.21, failures: int = 0, held: int | None = 800) -> list[Document]:
    """Three thresholds."""
    return [
        check("min_held", "held", 800, held),
        check("max_failures", "failures", 0, failures, text=f"{failures:,} failures; none were allowed"),
        check("max_p99_ms", "p99 latency from due", 1000, p99, "ms"),
    ]


def _running(**changes: Any) -> Document:
    """A run that is in its steady window."""
    return {
        "state": "running", "status": "on track", "alerts": [], "beginning": False,
        "events": [STARTED],
        "users": 800, "held": 800, "server_held": 800, "silent_connections": 0,
        "server": {
            "model": "select", "max_connections": 1000, "processes": 1, "processes_wanted": 1, "respawns": 0,
            "messages_s": 80.2, "cpu_share": 0.11, "lag_ms": 2.1, "turns_s": 161.0, "memory_bytes": None,
        },
        "server_processes": [], "workers": [worker(1), worker(2)], "elapsed_s": 42.3,
        "run": {
            "id": RUN, "scenario": "hold", "target": "tcp://server:8686", "users": 800, "rate": 200.0, "workers": 2,
            "shape": "", "length_s": None,
        },
        "limits": {"wanted": 800, "cap": 1000, "p99_ms": 1000}, "steady": [6.0, 42.0],
        "now": {"messages_s": 80.4, "failures_s": 0.0, "connects_s": 0.0, "p50_ms": 0.61, "p99_ms": 3.9},
        "figures": {
            "held_min": 800, "server_held_min": 800, "p99_ms": 4.21, "messages_s": 80.1, "failures": 0,
            "failure_kinds": "",
        },
        "silences": [], "drill": None,
        "thresholds": checks(), "scenario_errors": [], "dead_tasks": {}, "verdict": None, "artefacts": [],
        "last_start": {"user_count": "800", "spawn_rate": "200"}, **changes,
    }  # fmt: skip


def ended(verdict: str, code: int, cause: Document | None = None, *reasons: str, **changes: Any) -> Document:
    """A run that was stopped after a minute; its files are there."""
    document = _running(state="stopped", status=verdict.upper(), held=0, server_held=0, users=0, elapsed_s=64.0)
    idle = {"state": "ready", "users": 0, "held": 0, "messages_s": 0.0}
    document |= {
        "verdict": {"verdict": verdict, "exit_code": code, "cause": cause, "reasons": list(reasons)},
        "artefacts": ["report.html", "summary.md", "verdict.json"], "workers": [worker(1, **idle), worker(2, **idle)],
        "steady": [6.0, 60.0],
        "events": [*document["events"], {"at_s": 60.0, "kind": "stop", "text": "stop was asked"}],
    }  # fmt: skip
    document["run"]["length_s"] = 60.0
    document["server"] |= {"messages_s": 0.0, "cpu_share": 0.0, "lag_ms": 0.2, "turns_s": 1.0}
    return {**document, **changes}


def state(name: str) -> Document:
    """Return the answer of /lab/state.json in one of the states."""
    return _STATES[name]()


def _starting() -> Document:
    now = {"messages_s": 12.0, "failures_s": 0.0, "connects_s": 199.8, "p50_ms": 0.9, "p99_ms": 6.2}
    workers = [worker(number, users=172, held=170, state="spawning") for number in (1, 2)]
    return _running(
        state="spawning", status="starting", users=344, held=340, server_held=338, elapsed_s=2.1, steady=None,
        events=[], now=now, workers=workers, thresholds=checks(None, 0, None),
        figures={"held_min": None, "server_held_min": None, "p99_ms": None, "messages_s": None, "failures": 0},
    )  # fmt: skip


def _full() -> Document:
    text = "Server full: it holds 1,000; 500 users are refused. Set MAX_CONNECTIONS or MODEL=epoll"
    return _running(
        status="in trouble", alerts=[{"name": "server-full", "text": text, "since_s": 6.0}], users=1500, held=1000,
        server_held=1000, limits={"wanted": 1500, "cap": 1000, "p99_ms": 1000}, thresholds=checks(5.1, 3591, 1000),
        now={"messages_s": 99.7, "failures_s": 98.0, "connects_s": 97.0, "p50_ms": 0.66, "p99_ms": 5.1},
        figures={"held_min": 1000, "server_held_min": 1000, "p99_ms": 5.1, "messages_s": 99.8, "failures": 3591,
                 "failure_kinds": "3,591 refused: server full"},
        workers=[worker(1, held=500, users=750, failures=1790), worker(2, held=500, users=750, failures=1801)],
    )  # fmt: skip


def _frozen() -> Document:
    text = "Server silent for 12 s, 148 replies overdue"
    alert = {
        "at_s": 30.0,
        "kind": "alert",
        "text": "Server silent for 3 s, 40 replies overdue",
        "label": "server silent",
    }
    return _running(
        status="in trouble", alerts=[{"name": "server-silent", "text": text, "since_s": 30.0}], server=None,
        events=[STARTED, alert], silences=[[30.0, 42.0]],
        server_held=None, now={"messages_s": 0.0, "failures_s": 0.0, "connects_s": 0.0, "p50_ms": None, "p99_ms": None},
    )  # fmt: skip


def _lost() -> Document:
    event = {"at_s": 31.0, "kind": "worker-lost", "text": "worker 2 was lost: it went missing"}
    document = _running(
        status="in trouble", held=400, server_held=400, users=400, thresholds=checks(4.2, 0, 400),
        alerts=[{"name": "worker-lost", "text": "Worker 2 lost: it went missing", "since_s": 31.0}],
    )  # fmt: skip
    lost = {"lost": True, "why_lost": "it went missing", "state": "missing", "users": 0, "held": 0, "messages_s": None}
    gone = {"cpu_share": None, "lag_p99_ms": None, "turns_s": None, "report_age_s": 11.2}
    document["workers"][1] = worker(2, **lost, **gone)
    document["events"].append(event)
    return document


def _shaped() -> Document:
    """A run in the third level of a load shape; the second one has failed."""
    under_way = levels.level(
        number=3, users=800, begun_s=30.0, held_s=33.0, steady_from_s=35.0, to_s=None, steady_s=7.0, held_min=800,
        p50_ms=0.6, p99_ms=4.2, messages_s=80.1, verdict=None,
    )  # fmt: skip
    passed = levels.level(users=200, held_min=200, to_s=14.0, messages_s=20.0)
    failed = levels.level(
        number=2, users=400, begun_s=14.0, held_s=16.0, steady_from_s=18.0, to_s=30.0, held_min=400, messages_s=40.0,
        p99_ms=1310.0, verdict="fail", reason="the p99 latency from due was 1.31 s; at most 1 s was allowed",
    )  # fmt: skip
    shape = {"name": "spike", "text": "200 users, 400 for 12 s, and 800 again", "levels": 4, "line": ""}
    return _running(shape=shape, levels=[passed, failed, under_way])


def _drilled() -> Document:
    """A run in which one of the server's four processes is frozen by a drill."""
    text = "37 replies are overdue for up to 9.4 s: 1 of 4 processes of the server answers nothing"
    events = [
        STARTED,
        {
            "at_s": 30.2,
            "kind": "drill",
            "text": "drill: SIGSTOP of one process of the server for 15 s",
            "label": "fault",
        },
        {"at_s": 30.6, "kind": "alert", "text": text.replace("9.4", "3.1"), "label": "replies overdue"},
        {"at_s": 31.0, "kind": "worker-lost", "text": "worker 2 lost: it went missing", "label": "worker lost"},
        {"at_s": 31.3, "kind": "worker-lost", "text": "worker 3 lost: it went missing", "label": "worker lost"},
    ]
    document = _running(
        status="in trouble", alerts=[{"name": "replies-overdue", "text": text, "since_s": 30.6}], events=events,
        drill=[30.2, None],
    )  # fmt: skip
    document["figures"] |= {"failures": 128, "failure_kinds": "88 connects refused, 40 lost"}
    document["thresholds"] = checks(4.2, 128, 800)
    return document


def _frozen_by_a_drill() -> Document:
    """A run in which a drill has frozen the server."""
    document = _frozen()
    fault = {"at_s": 29.0, "kind": "drill", "text": "drill server-frozen: SIGSTOP of the server", "label": "fault"}
    document["events"].insert(1, fault)
    return document | {"drill": [29.0, None]}


def _passed() -> Document:
    return ended("pass", 0, None, "800 of 800 connections held for 54 s, no failures, p99 latency 4.21 ms")


def _failed() -> Document:
    cause = {
        "name": "server-full",
        "text": "The server holds 1,000 connections (its cap) and refused 3,591 connects",
        "remedy": "Set MAX_CONNECTIONS or MODEL=epoll",
    }
    document = ended("fail", 3, cause, "3,591 failures; none were allowed", "held 1,000; at least 1,500 were demanded")
    judged = checks(5.1, 3591, 1000)
    judged[0] |= {"limit": 1500, "ok": False}
    document["figures"] = {
        "held_min": 1000, "server_held_min": 1000, "p99_ms": 5.1, "messages_s": 99.8, "failures": 3591,
        "failure_kinds": "3,591 refused: server full",
    }  # fmt: skip
    return document | {"thresholds": judged, "limits": {"wanted": 1500, "cap": 1000, "p99_ms": 1000}}


def _unknown() -> Document:
    cause = {
        "name": "worker-lost",
        "text": "Worker 2 was lost: the kernel killed it for lack of memory",
        "remedy": "Raise WORKER_MEM, or use more workers",
    }
    document = ended("unknown", 4, cause, "worker 2 was lost: it went missing", events=_lost()["events"])
    document["workers"][1] = _lost()["workers"][1]
    document["figures"] |= {"held_min": 400, "server_held_min": 400}
    document["thresholds"] = checks(held=400)
    return document


_STATES = {
    "starting": _starting, "running": _running, "full-server": _full, "frozen-server": _frozen, "lost-worker": _lost,
    "pass": _passed, "fail": _failed, "unknown": _unknown, "load-shape": _shaped,
    "drill": _drilled, "frozen-by-a-drill": _frozen_by_a_drill,
}  # fmt: skip


def timeline(name: str) -> Document:
    """Return the answer of /lab/timeline.json in one of the states."""
    end = {"starting": 2, "pass": 64, "fail": 64, "unknown": 64}.get(name, 42)
    at = list(range(1, end + 1))
    full, stop = name in ("full-server", "fail"), 60
    wanted = 1500 if full else 800
    each_s = 170 if name == "starting" else 200
    held = [0 if s > stop else min(wanted, 1000 if full else 800, each_s * s) for s in at]
    if name == "load-shape":
        held = [
            min(200, 200 * s) if s < 14 else min(400, 100 * s - 1200) if s < 30 else min(800, 400 + 134 * (s - 30))
            for s in at
        ]
    if name in ("lost-worker", "unknown"):
        held = [value if s < 31 else min(value, 400) for s, value in zip(at, held, strict=True)]
    silent = [name in ("frozen-server", "frozen-by-a-drill") and s >= 30 for s in at]
    late = [3.0 + 1.2 * math.sin(s * 1.7) + (9 if s < 6 else 0) for s in at]
    running = [s <= stop for s in at]
    refused = [100.0 if full and 6 <= s <= stop else 0.0 for s in at]
    return {
        "run": RUN,
        "time_utc": [f"2026-11-27T10:{s // 60:02}:{s % 60:02}Z" for s in at],
        "elapsed_s": [float(s) for s in at],
        "users": [min(wanted, 200 * s) if s <= stop else 0 for s in at],
        "held": held,
        "server_held": [None if mute else value for mute, value in zip(silent, held, strict=True)],
        "connects_s": [200.0 if s <= wanted / 200 else 0.0 for s in at],
        "messages_s": [
            0.0 if mute else value / 10 + math.sin(s) for s, mute, value in zip(at, silent, held, strict=True)
        ],
        "failures_s": refused,
        "p50_ms": _known([0.6 + 0.05 * math.sin(s) for s in at], running, silent),
        "p99_ms": _known(late, running, silent),
        "event": ["" for _ in at],
    }


def _known(values: list[float], running: list[bool], silent: list[bool]) -> list[float | None]:
    rows = zip(values, running, silent, strict=True)
    return [round(value, 3) if on and not mute else None for value, on, mute in rows]
