"""The document of /lab/state.json: what the page, the lab and scripts read about the current run.

Before a run has begun, and while one begins, its figures are empty: a run never shows those of the one before. Figures
that are judged come from the same code as the verdict, so that the two agree.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rawsocket.background import TASKS
from rawsocket.master import worker_lag
from rawsocket.master.controller import RunController
from rawsocket.master.levels import level_verdicts as judged_levels
from rawsocket.master.observability import target_series
from rawsocket.master.page import prometheus
from rawsocket.master.reports import failure_kinds, server_summary
from rawsocket.master.run import Participant, Run
from rawsocket.master.worker_lag import cpu_s, delivered

Fields = dict[str, Any]  # one entry of state.json
SAID = ("verdict", "exit_code", "reasons", "cause")  # what state.json has of verdict.json


def state(controller: RunController) -> Fields:
    """Return /lab/state.json; `state` is the state of Locust's runner."""
    run, last, observed = controller.run, controller.run.document, controller.observer.state()
    server = server_summary.state(controller.probe.counters, controller.probe.rate) or controller.probe.usage.state()
    return {
        "state": str(controller.runner.state),
        **observed,
        "users": controller.runner.user_count,
        "held": controller.held(),
        "server_held": controller.probe.held,
        "silent_connections": prometheus.silent(controller),
        "server": server,
        "server_processes": server_summary.processes(controller.probe.counters),
        "target_metrics": target_metrics(controller),
        "workers": workers(controller),
        "elapsed_s": round(controller.elapsed_s, 1),
        "run": description(controller),
        "limits": limits(controller, server),
        "steady": steady(run),
        "now": latest_second(run),
        "figures": figures(observed["figures"]),
        "drill": None if run.drill.times[0] is None else run.drill.times,
        **levels(run),
        "scenario_errors": [asdict(one) for one in run.scenario_errors()],
        "dead_tasks": dict(TASKS.dead),
        "verdict": None if last is None else {key: last.get(key) for key in SAID},
        "artefacts": [path.name for path in artefacts(controller)],
    }


def target_metrics(controller: RunController) -> Fields | None:
    """Return the series of TARGET_METRICS in this run, and why there is no answer now; None if it is not set."""
    metrics = controller.target_metrics
    if not metrics.present:
        return None
    return {
        "url": metrics.shown,
        "error": metrics.error,
        "series": target_series.summary(controller.run.timeline.target_columns()),
    }


def run_id(run: Run) -> str:
    """Return what tells this run from others, "" before the first."""
    return run.info.started_utc if run.started_at is not None else ""


def description(controller: RunController) -> Fields:
    """Return what was asked for, 0 before the first run."""
    info, plan = controller.run.info, controller.plan
    started = controller.run.started_at is not None
    return {
        "id": run_id(controller.run),
        "scenario": info.scenario or plan.scenario,
        "target": info.target or controller.environment.host or plan.target,
        "users": info.users if started else 0,
        "rate": info.rate if started else 0,
        "workers": info.workers or plan.workers,
        "shape": info.shape,
        "length_s": None if controller.run.stopping_at is None else _length(controller.run),
    }


def limits(controller: RunController, server: Mapping[str, Any] | None) -> Fields:
    """Return the lines of the charts: connections wanted, those that the server holds at most, the limit of p99."""
    run = controller.run
    users = controller.users_wanted if run.running else run.info.users
    return {
        "wanted": users * run.per_user if run.started_at is not None else None,
        "cap": (server or {}).get("max_connections") or None,
        "p99_ms": run.thresholds.get("max_p99_ms"),
    }


def levels(run: Run) -> Fields:
    """Return `shape` and `levels` as verdict.json has them; None and no levels without a load shape."""
    found = run.document if run.document is not None else judged_levels.documents(run)
    return {"shape": found.get("shape"), "levels": found.get("levels", [])}


def steady(run: Run) -> list[float] | None:
    """Return from when to when the steady window is, in seconds since the start of the run; None: it has none yet."""
    window = run.window
    if window is None or not window.opened or run.started_at is None:
        return None
    end = run.timeline.samples[-1].elapsed_s if run.timeline.samples else 0.0
    start = window.opens_at - run.started_at
    closed = end if window.closed_at is None else window.closed_at - run.started_at
    return [round(start, 3), round(max(start, closed), 3)]


def figures(found: Mapping[str, Any]) -> Fields:
    """Return what is judged, with the kinds of failures in words; they add up to `failures`."""
    return {**found, "failure_kinds": failure_kinds.words_of(found["failure_kinds"])}


def latest_second(run: Run) -> Fields:
    """Return the figures of the latest second; None: unknown."""
    last = run.timeline.samples[-1] if run.timeline.samples else None
    names = ("messages_s", "failures_s", "connects_s", "p50_ms", "p99_ms")
    return {name: getattr(last, name, None) for name in names}


def _length(run: Run) -> float:
    """Return the seconds from the start of a run until stop was asked."""
    assert run.stopping_at is not None
    return round(run.stopping_at - (run.started_at or 0.0), 1)


def folder(controller: RunController) -> Path | None:
    """Return the folder with the files of the current run, None if they are not kept."""
    kept = controller.run.log.folder or controller.plan.runs
    return Path(kept) if kept else None


def artefacts(controller: RunController) -> list[Path]:
    """Return the files of the run that has ended, in order of their names; none while one is on or without a folder."""
    kept = folder(controller)
    if controller.run.document is None or kept is None or not kept.is_dir():
        return []
    return sorted(path for path in kept.iterdir() if path.is_file() and path.name[0] != ".")


# -- the workers ------------------------------------------------------------------------------------------------------


def workers(controller: RunController) -> list[Fields]:
    """Return what is known about each worker that is live or took part in the run."""
    live = set(controller.live())
    names = sorted(live | {own.id for own in controller.run.participants})
    return [_worker(controller, name, name in live) for name in names]


def _worker(controller: RunController, name: str, live: bool) -> Fields:
    known, own = controller.workers.worker(name), controller.run.find(name) or Participant(name)
    state, users = _locusts_view(controller, own)
    age = controller.workers.age(name)
    share, rate = (known.rate(figure) if live else None for figure in (cpu_s, delivered))
    rates = worker_lag.rates(known.before, known.latest) if live else worker_lag.rates(None, None)
    return {
        "id": name,
        "name": own.name or controller.workers.label(name),
        "state": state,
        "users": users,
        "held": controller.workers.held_by(name) if live else 0,
        "messages_s": None if rate is None else round(rate, 1),
        "failures": own.report.counts.failures if own.report else 0,
        "cpu_share": None if share is None else round(share, 3),
        "lag_p99_ms": worker_lag.lag_p99_ms(known.latest) if live else None,
        "lag_max_ms": None if own.worst_lag_us is None else own.worst_lag_us / 1000,
        **{name: rates[name] for name in ("turns_s", "stolen_share", "throttled_share")},
        "report_age_s": None if age == float("inf") else round(age, 1),
        "lost": own.lost != "",
        "why_lost": own.lost,
    }


def _locusts_view(controller: RunController, own: Participant) -> tuple[str, int]:
    """Return the worker's state and its users, as Locust knows them."""
    client = getattr(controller.runner, "clients", {}).get(own.id)
    if client:
        return str(client.state), client.user_count
    users = controller.runner.user_count if controller.local else 0
    return "running" if controller.local and controller.run.running else "lost" if own.lost else "", users
