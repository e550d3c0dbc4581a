"""Locust's page with one tab more: held connections, a row per worker, their sum, the server's own count, the curve.

The tab and its table go through Locust's own doors: `extended_tabs` and `extended_tables` in the template's
arguments (the page merges them), `extended_stats` in the answer of /stats/requests. That answer is memoised
by Locust for two seconds and the same response object comes by again, so it is overwritten, never appended
to. The curve has no door: its script is added to the HTML.
"""

import json
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, request
from locust.web import WebUI

from rawsocket.master import server_summary as serving
from rawsocket.master import worker_lag as health
from rawsocket.master.controller import Desk
from rawsocket.master.page import metrics
from rawsocket.master.page import request_guard as guard
from rawsocket.options import BY_NAME

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
SCRIPT = Path(__file__).with_name("curve.js")
Row = dict[str, Any]


def install(desk: Desk, web_ui: WebUI) -> None:
    """Add tab, routes and guard to the page, before it starts."""
    prefix = (getattr(desk.environment.parsed_options, "web_base_path", "") or "").rstrip("/")
    assert web_ui.app is not None
    web_ui.template_args.update(
        extended_tabs=[{"title": TITLE, "key": KEY}],
        extended_tables=[{"key": KEY, "structure": [{"key": key, "title": title} for key, title in COLUMNS]}],
    )
    web_ui.app.register_blueprint(_routes(desk, web_ui, prefix))

    @web_ui.app.after_request
    def extend(response: Response) -> Response:
        if request.path == f"{prefix}/stats/requests" and response.is_json:
            response.set_data(
                json.dumps({**response.get_json(), "extended_stats": [{"key": KEY, "data": table(desk)}]})
            )
        elif request.path == f"{prefix}/" and response.mimetype == "text/html":
            response.set_data(with_script(response.get_data(as_text=True), f"{prefix}/lab/curve.js"))
        return response

    guard.install(web_ui.app, desk.plan.page_names, lambda form: refuse_start(desk, form.form), f"{prefix}/swarm")


def with_script(page: str, address: str) -> str:
    """Put the curve's script at the end of the page's body."""
    at = page.rfind("</body>")
    return page if at < 0 else f'{page[:at]}<script src="{address}"></script>\n{page[at:]}'


def refuse_start(desk: Desk, form: Any) -> str | None:
    """Say why what was typed into the start form can't be started, or None."""
    foreign = guard.foreign(form.get("host", ""), desk.plan.target)
    if foreign:
        return foreign
    for name in sorted(BY_NAME.keys() & form.keys()):
        try:
            BY_NAME[name].parse(form[name])
        except ValueError as error:
            return str(error)
    users = form.get("user_count", "")
    return desk.refuse(int(users)) if users.isdigit() else None


def table(desk: Desk) -> list[Row]:
    """Give the tab's rows: each worker, their sum, the server."""
    rows = workers(desk)
    blank = dict.fromkeys((key for key, _ in COLUMNS), "")
    live = [_cells(row) for row in rows]
    total = {
        **blank,
        "name": TOTAL,
        "users": desk.runner.user_count,
        "held": desk.held(),
        "messages_s": round(sum(row["messages_s"] or 0 for row in rows), 1),
        "failures": desk.fleet.totals()["failures"],
    }
    server = {**blank, "name": SERVER, **serving.cells(desk.probe.counters, desk.probe.rate)}
    return [total, server, *live]


def workers(desk: Desk) -> list[Row]:
    """Give what is known of each worker that is live or took part in the run."""
    live = set(desk.live())
    names = sorted(live | {member.id for member in desk.fleet.participants})
    return [_worker(desk, name, name in live) for name in names]


def _worker(desk: Desk, name: str, live: bool) -> Row:
    member = desk.fleet.member(name)
    clients = getattr(desk.runner, "clients", {})
    client = clients.get(name)
    age = desk.fleet.age(name)
    share = member.rate("cpu_s") if live else None
    rates = health.rates(member.before, member.latest) if live else health.rates(None, None)
    worst = member.health.worst_us
    rate = member.rate("messages", "answered") if live else None
    return {
        "id": name,
        "state": str(client.state)
        if client
        else ("running" if desk.local and desk.running else member.lost and "lost"),
        "users": client.user_count if client else (desk.runner.user_count if desk.local else 0),
        "held": desk.fleet.held_by(name) if live else 0,
        "messages_s": None if rate is None else round(rate, 1),
        "failures": member.counts["failures"] if member.counts else 0,
        "cpu_share": None if share is None else round(share, 3),
        "lag_p99_ms": health.lag_ms(member.latest) if live else None,
        "lag_max_ms": None if worst is None else worst / 1000,
        **{name: rates[name] for name in ("turns_s", "stolen_share", "throttled_share")},
        "report_age_s": None if age == float("inf") else round(age, 1),
        "lost": bool(member.lost),
    }


def _cells(worker: Row) -> Row:
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


def _lag(worker: Row) -> str:
    """Give the lag in the last report and the worst of the run, "-" where only one of them is known."""
    lags = worker["lag_p99_ms"], worker["lag_max_ms"]
    return "" if lags == (None, None) else " / ".join("-" if lag is None else f"{lag:.1f}" for lag in lags)


def state(desk: Desk) -> Row:
    """Give /lab/state.json; `state` is Locust's own word for the state of its runner."""
    last = desk.document
    return {
        "state": str(desk.runner.state),
        "users": desk.runner.user_count,
        "held": desk.held(),
        "server_held": desk.probe.held,
        "server": serving.state(desk.probe.counters, desk.probe.rate),
        "server_processes": serving.processes(desk.probe.counters),
        "workers": workers(desk),
        "elapsed_s": round(desk.elapsed_s, 1),
        "table": {"columns": [{"key": key, "title": title} for key, title in COLUMNS], "rows": table(desk)},
        "verdict": None if last is None else {key: last[key] for key in ("verdict", "exit_code", "reasons")},
    }


def _routes(desk: Desk, web_ui: WebUI, prefix: str) -> Blueprint:
    blueprint = Blueprint("holdfast", __name__, url_prefix=prefix or None)

    @blueprint.route("/lab/healthz")
    def healthz() -> str:
        return "ok\n"

    @blueprint.route("/lab/state.json")
    @web_ui.auth_required_if_enabled
    def state_json() -> Response:
        return _fresh(jsonify(state(desk)))

    @blueprint.route("/lab/timeline.json")
    @web_ui.auth_required_if_enabled
    def timeline_json() -> Response:
        return _fresh(jsonify(desk.timeline.columns()))

    @blueprint.route("/lab/curve.js")
    def curve_js() -> Response:
        return _fresh(Response(SCRIPT.read_text(encoding="utf-8"), mimetype="text/javascript"))

    @blueprint.route("/metrics")
    @web_ui.auth_required_if_enabled
    def metrics_text() -> Response:
        return _fresh(Response(metrics.render(desk), mimetype="text/plain; version=0.0.4"))

    return blueprint


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
