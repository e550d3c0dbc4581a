"""Adds a tab to Locust's page: held connections, a row per worker, their sum, the server's own count, a chart.

Locust's template has the tab and its table (see locust_patches.add_tab), and the page reads the rows from
`extended_stats` in the answer of /stats/requests. Locust keeps that answer for two seconds and returns the same
object again, so it is overwritten, never appended to. Locust has no place for a chart: its script is added to the HTML.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, request
from locust.web import WebUI

from rawsocket import locust_patches
from rawsocket.background import TASKS
from rawsocket.master import worker_lag
from rawsocket.master.controller import RunController
from rawsocket.master.page import metrics, request_guard
from rawsocket.master.reports import server_summary
from rawsocket.master.run import Participant
from rawsocket.master.worker_lag import cpu_s, delivered
from rawsocket.settings.declared import DECLARED
from rawsocket.settings.options import BY_NAME

KEY = "held"
TITLE = "Held connections"
# Locust sorts the rows by their first cell: the space, which HTML does not show, keeps these two above the workers.
TOTAL, SERVER = " All workers", " The server's own count"
COLUMNS = (
    ("name", "Worker"),
    ("state", "State"),
    ("users", "Users"),
    ("held", "Held"),
    ("messages_s", "Messages/s"),
    ("failures", "Failures"),
    ("cpu", "CPU (of a core)"),
    ("lag", "Lag p99 / worst (ms)"),
    ("turns", "Turns/s"),
    ("age", "Report age (s)"),
)
SCRIPT = Path(__file__).with_name("held_chart.js")
Fields = dict[str, Any]  # one row of a table, or one entry of state.json


def install(controller: RunController, web_ui: WebUI) -> None:
    """Add tab, routes and request guard to the page, before it starts."""
    prefix = (getattr(controller.environment.parsed_options, "web_base_path", "") or "").rstrip("/")
    assert web_ui.app is not None
    locust_patches.add_tab(web_ui, KEY, TITLE, COLUMNS)
    web_ui.app.register_blueprint(_routes(controller, web_ui, prefix))

    @web_ui.app.after_request
    def extend(response: Response) -> Response:
        if request.path == f"{prefix}/stats/requests" and response.is_json:
            response.set_data(
                json.dumps({**response.get_json(), "extended_stats": [{"key": KEY, "data": table(controller)}]})
            )
        elif request.path == f"{prefix}/" and response.mimetype == "text/html":
            response.set_data(with_script(response.get_data(as_text=True), f"{prefix}/lab/held_chart.js"))
        return response

    request_guard.install(
        web_ui.app, controller.plan.page_names, lambda form: refuse_start(controller, form.form), f"{prefix}/swarm"
    )


def with_script(page: str, address: str) -> str:
    """Put the chart's script at the end of the page's body."""
    script = f'<script src="{address}"></script>\n'
    return locust_patches.before_end_of_body(page, script) if "</body>" in page else page


def refuse_start(controller: RunController, form: Any) -> str | None:
    """Return why the values in the start form can't be used, or None."""
    foreign = request_guard.foreign(form.get("host", ""), controller.plan.target)
    if foreign:
        return foreign
    rows = {**BY_NAME, **DECLARED}
    for name in sorted(rows.keys() & form.keys()):
        try:
            rows[name].parse(form[name])
        except ValueError as error:
            return str(error)
    users = form.get("user_count", "")
    return controller.refuse(int(users)) if users.isdigit() else None


def table(controller: RunController) -> list[Fields]:
    """Return the tab's rows: each worker, their sum, the server."""
    rows = workers(controller)
    blank = dict.fromkeys((key for key, _ in COLUMNS), "")
    live = [_cells(row) for row in rows]
    total = {
        **blank,
        "name": TOTAL,
        "state": f"no byte on {silent} connections" if (silent := metrics.silent(controller)) else "",
        "users": controller.runner.user_count,
        "held": controller.held(),
        "messages_s": round(sum(row["messages_s"] or 0 for row in rows), 1),
        "failures": controller.run.totals().failures,
    }
    server = {**blank, "name": SERVER, **server_summary.cells(controller.probe.counters, controller.probe.rate)}
    return [total, server, *live]


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
        "lost": bool(own.lost),
    }


def _locusts_view(controller: RunController, own: Participant) -> tuple[str, int]:
    """Return the worker's state and its users, as Locust knows them."""
    client = getattr(controller.runner, "clients", {}).get(own.id)
    if client:
        return str(client.state), client.user_count
    users = controller.runner.user_count if controller.local else 0
    return "running" if controller.local and controller.run.running else "lost" if own.lost else "", users


def _cells(worker: Fields) -> Fields:
    share, age, turns = worker["cpu_share"], worker["report_age_s"], worker["turns_s"]
    return {
        "name": worker["id"],
        "state": worker["state"],
        "users": worker["users"],
        "held": worker["held"],
        "messages_s": "" if worker["messages_s"] is None else worker["messages_s"],
        "failures": worker["failures"],
        "cpu": "" if share is None else f"{share:.0%}",
        "lag": _lag(worker),
        "turns": "" if turns is None else round(turns),
        "age": "" if age is None else age,
    }


def _lag(worker: Fields) -> str:
    """Return the lag in the last report and the worst of the run, "-" if only one of them is known."""
    lags = worker["lag_p99_ms"], worker["lag_max_ms"]
    return "" if lags == (None, None) else " / ".join("-" if lag is None else f"{lag:.1f}" for lag in lags)


def state(controller: RunController) -> Fields:
    """Return /lab/state.json; `state` is the state of Locust's runner."""
    last = controller.run.document
    return {
        "state": str(controller.runner.state),
        **controller.observer.state(),
        "users": controller.runner.user_count,
        "held": controller.held(),
        "server_held": controller.probe.held,
        "silent_connections": metrics.silent(controller),
        "server": server_summary.state(controller.probe.counters, controller.probe.rate),
        "server_processes": server_summary.processes(controller.probe.counters),
        "workers": workers(controller),
        "elapsed_s": round(controller.elapsed_s, 1),
        "table": {"columns": [{"key": key, "title": title} for key, title in COLUMNS], "rows": table(controller)},
        "scenario_errors": [asdict(one) for one in controller.run.scenario_errors()],
        "dead_tasks": dict(TASKS.dead),
        "verdict": None if last is None else {key: last[key] for key in ("verdict", "exit_code", "reasons")},
    }


def _routes(controller: RunController, web_ui: WebUI, prefix: str) -> Blueprint:
    blueprint = Blueprint("holdfast", __name__, url_prefix=prefix or None)

    @blueprint.route("/lab/healthz")
    def healthz() -> tuple[str, int]:
        dead = "".join(f"the task {name!r} died: {reason}\n" for name, reason in TASKS.dead.items())
        return (dead, 503) if dead else ("ok\n", 200)

    @blueprint.route("/lab/state.json")
    @web_ui.auth_required_if_enabled
    def state_json() -> Response:
        return _fresh(jsonify(state(controller)))

    @blueprint.route("/lab/timeline.json")
    @web_ui.auth_required_if_enabled
    def timeline_json() -> Response:
        return _fresh(jsonify(controller.run.timeline.columns()))

    @blueprint.route("/lab/held_chart.js")
    def held_chart_js() -> Response:
        return _fresh(Response(SCRIPT.read_text(encoding="utf-8"), mimetype="text/javascript"))

    @blueprint.route("/metrics")
    @web_ui.auth_required_if_enabled
    def metrics_text() -> Response:
        return _fresh(Response(metrics.render(controller), mimetype="text/plain; version=0.0.4"))

    return blueprint


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
