"""Adds a tab to Locust's page: what a run does, whether it is in trouble, and how it ended.

Locust's template has the tab and leaves it empty (see locust_patches.add_tab). The scripts and the style of `static/`
are added to the HTML; they ask /lab/state.json and /lab/timeline.json and build the tab from them.
`window.templateArgs`, from which Locust makes its page, has what they need of the start form.

Locust's page asks /stats/requests for the state of a run only while that is "spawning" or "running". An answer from
the moment when a run stops would be the last one: the page would show STOPPING for good. So the page gets only these
two states, "ready" and "stopped".
"""

import json
import secrets
from pathlib import Path
from typing import Any

from flask import Blueprint, Request, Response, abort, g, jsonify, request
from locust.runners import STATE_RUNNING, STATE_SPAWNING, STATE_STOPPING
from locust.web import WebUI
from werkzeug.datastructures import ImmutableMultiDict

from rawsocket import locust_patches
from rawsocket.background import TASKS
from rawsocket.master import run_info
from rawsocket.master.controller import RunController
from rawsocket.master.levels.driver import ShapeDriver
from rawsocket.master.page import downloads, form, login, malformed, prometheus, request_guard, security_headers
from rawsocket.master.page.state import artefacts, run_id, state
from rawsocket.master.reports import server_summary

KEY = "held"
TITLE = "Held connections"
STATIC = Path(__file__).with_name("static")
STYLES = ("uplot.css", "page.css")
SCRIPTS = ("uplot.js", "charts.js", "form.js", "tables_and_tiles.js", "page.js")
OWN = "holdfast"  # our entry in window.templateArgs


def install(
    controller: RunController,
    web_ui: WebUI,
    check: form.Check = lambda controller: None,
    driver: ShapeDriver | None = None,
) -> None:
    """Add tab, routes and request guard to the page, before it starts.

    `check`: see form.Starts. `driver` follows the scenario's load shape.
    """
    prefix = (getattr(controller.environment.parsed_options, "web_base_path", "") or "").rstrip("/")
    app = web_ui.app
    assert app is not None
    app.jinja_env.policies["json.dumps_kwargs"] = {"sort_keys": False}  # the fields of the form have an order
    starts = form.Starts(controller, check)
    locust_patches.add_tab(web_ui, KEY, TITLE)
    locust_patches.change_template_args(web_ui, lambda arguments: arrange(arguments, controller, starts))
    locust_patches.end_ramp_with_run_time(web_ui)
    app.register_blueprint(_routes(controller, web_ui, prefix, starts))

    @app.after_request
    def extend(response: Response) -> Response:
        if request.path == f"{prefix}/stats/requests" and response.is_json:
            told = {**response.get_json(), "state": shown_state(controller, starts)}
            response.set_data(json.dumps(told))
        elif request.path == f"{prefix}/swarm" and response.is_json and response.get_json().get("success"):
            starts.accepted(request.form)
            if driver is not None and g.changes_users and request.form.get("user_count"):
                driver.take_over(int(request.form["user_count"]))
        elif request.path == f"{prefix}/" and response.mimetype == "text/html":
            nonce = secrets.token_urlsafe(16)
            response.set_data(security_headers.with_nonce(with_scripts(response.get_data(as_text=True)), nonce))
            response.headers[security_headers.CSP] = security_headers.policy(nonce)
        return response

    def name_as_meant() -> None:
        if request.path == f"{prefix}/swarm":
            g.changes_users = controller.run.running  # as opposed to a start
            meant = form.named_as_meant(request.form, _options(controller))
            request.form = ImmutableMultiDict(form.first_level(controller, meant))

    def check_user() -> Response | None:
        if request.method != "POST" or request.path != f"{prefix}/user":
            return None
        wrong = malformed.user(request.get_data(), _classes(web_ui))
        return Response(f"{wrong}\n", 400, mimetype="text/plain") if wrong else None

    plan = controller.plan
    if plan.page_password:
        login.install(web_ui, plan.page_user, plan.page_password, prefix)
    app.before_request(name_as_meant)
    app.before_request(check_user)
    request_guard.install(
        app, None if plan.page_password else plan.page_names, lambda asked: _answer(starts, asked), f"{prefix}/swarm"
    )


def _classes(web_ui: WebUI) -> list[str] | None:
    """Return the names of the user classes that may be changed, None without the class picker."""
    known = web_ui.environment.available_user_classes
    return sorted(known) if web_ui.userclass_picker_is_active and known else None


def _answer(starts: form.Starts, asked: Request) -> str | None:
    return starts.answer(asked.form, asked_by_page="Origin" in asked.headers)


def shown_state(controller: RunController, starts: form.Starts) -> str:
    """Return the run's state for Locust's page: a state in which the page keeps asking, or the last one."""
    if starts.beginning:
        return str(STATE_SPAWNING)
    now = str(controller.runner.state)
    return str(STATE_RUNNING) if now == STATE_STOPPING else now


def arrange(arguments: dict[str, Any], controller: RunController, starts: form.Starts) -> None:
    """Change what Locust's page is made from: the form's fields in our order, with the values of the last run."""
    options = arguments["extra_options"]
    unused = form.without_effect(controller.environment.user_classes)
    fields = form.fields(options, form.of_server(controller), unused)
    values = _options(controller)
    arguments["extra_options"] = {
        field["name"]: {**options[field["name"]], "default_value": _shown(values, field["name"], options)}
        for field in fields
    }
    arguments["state"] = shown_state(controller, starts)
    arguments[OWN] = {"fields": fields, "about": about(controller)}


def _options(controller: RunController) -> dict[str, Any]:
    parsed = controller.environment.parsed_options
    return {} if parsed is None else vars(parsed)


def _shown(values: dict[str, Any], name: str, options: dict[str, Any]) -> Any:
    return values[name] if values.get(name) is not None else options[name].get("default_value")


def about(controller: RunController) -> dict[str, Any]:
    """Return what the form says about the lab: scenario, target, the server's model and cap."""
    # Model and cap stay what they are when the server answers late.
    server = server_summary.state(controller.probe.last_known, controller.probe.rate) or {}
    own = run_info.own_shape(controller.environment)
    return {
        "scenario": controller.plan.scenario,
        "target": controller.environment.host or controller.plan.target,
        "model": server.get("model"),
        "cap": server.get("max_connections"),
        "shape": type(controller.shape).__name__ if controller.shape else "",
        "levels": own.text if own else "",
        "most_users": own.most_users if own else None,
    }


def with_scripts(page: str) -> str:
    """Put the styles and scripts at the end of the page's body: they run before Locust's own, which is a module.

    They are a part of the page, not files that it loads: a browser gives up on those when a container starts or ends
    meanwhile, because the machine's network has changed.
    """
    if "</body>" not in page:
        return page
    styles = "".join(f"<style>\n{_text(name)}</style>\n" for name in STYLES)
    scripts = "".join(f"<script>\n{_text(name)}</script>\n" for name in SCRIPTS)
    return locust_patches.before_end_of_body(page, styles + scripts)


def _text(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def _routes(controller: RunController, web_ui: WebUI, prefix: str, starts: form.Starts) -> Blueprint:
    blueprint = Blueprint("holdfast", __name__, url_prefix=prefix or None)

    @blueprint.route("/lab/healthz")
    def healthz() -> tuple[str, int]:
        dead = "".join(f"the task {name!r} died: {reason}\n" for name, reason in TASKS.dead.items())
        return (dead, 503) if dead else ("ok\n", 200)

    @blueprint.route("/lab/state.json")
    @web_ui.auth_required_if_enabled
    def state_json() -> Response:
        return _fresh(jsonify({**state(controller), "beginning": starts.beginning, "last_start": starts.last}))

    @blueprint.route("/lab/timeline.json")
    @web_ui.auth_required_if_enabled
    def timeline_json() -> Response:
        timeline = controller.run.timeline
        told = {**timeline.columns(), "target_metrics": timeline.target_columns(), "run": run_id(controller.run)}
        return _fresh(jsonify(told))

    @blueprint.route("/lab/artefacts.zip")
    @web_ui.auth_required_if_enabled
    def artefacts_zip() -> Response:
        found = artefacts(controller)
        if not found:
            abort(404, "there are no files of a run that has ended")
        name = f"holdfast-{controller.run.info.started_utc.replace(':', '')}"
        answer = Response(downloads.zipped(found, name), mimetype="application/zip")
        answer.headers["Content-Disposition"] = f"attachment;filename={name}.zip"
        return _fresh(answer)

    @blueprint.route("/lab/files/<name>")
    @web_ui.auth_required_if_enabled
    def file(name: str) -> Response:
        path = downloads.find(artefacts(controller), name)
        if path is None:
            abort(404, f"the run that has ended has no file {name}")
        return _fresh(Response(path.read_bytes(), mimetype=downloads.type_of(path)))

    @blueprint.route("/metrics")
    @web_ui.auth_required_if_enabled
    def metrics_text() -> Response:
        return _fresh(Response(prometheus.render(controller), mimetype="text/plain; version=0.0.4"))

    return blueprint


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
