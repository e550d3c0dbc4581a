"""Locust's page with our tab in this process, on a master without workers and without a port."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent
from flask import Flask
from flask.testing import FlaskClient
from locust.web import WebUI

from rawsocket.master.page import tab
from tests.support.controllers import ControllerBench, controller_bench

HOST = "127.0.0.1:8089"


class LocalPage:
    """The page's app, and what a request could change."""

    def __init__(self, bench: ControllerBench, web_ui: WebUI) -> None:
        self.bench = bench
        self.web_ui = web_ui
        assert web_ui.app
        self.app: Flask = web_ui.app
        self.client: FlaskClient = self.app.test_client()
        self.called: list[str] = []
        self.watch()

    def watch(self) -> None:
        """Note starts, stops and messages to workers instead of making them."""
        runner = self.bench.runner
        for name in ("start", "stop", "quit", "send_message"):
            setattr(runner, name, lambda *_, name=name, **__: self.called.append(name))
        self.bench.controller.environment.events.reset_stats.add_listener(lambda **_: self.called.append("reset"))

    def settle(self) -> None:
        """Let Locust's greenlet that starts a run come to it."""
        gevent.sleep(0)

    def snapshot(self) -> dict[str, Any]:
        """What a request could change."""
        self.settle()
        environment = self.bench.controller.environment
        return {
            "called": list(self.called),
            "options": dict(vars(environment.parsed_options)),
            "host": environment.host,
            "profile": environment.profile,
            "requests": environment.stats.num_requests,
            "exceptions": dict(self.bench.runner.exceptions),
            "classes": [dict(vars(one)) for one in environment.user_classes],
        }

    def rules(self) -> list[tuple[str, set[str]]]:
        """The paths of all routes, with their arguments filled in, and their methods."""
        found = []
        for rule in self.app.url_map.iter_rules():
            path = rule.rule.replace("<path:path>", "index.js").replace("<path:filename>", "index.js")
            found.append((path.replace("<name>", "verdict.json"), set(rule.methods or ())))
        return sorted(found)


@contextmanager
def local_page(monkeypatch: Any, password: str = "", **options: Any) -> Iterator[LocalPage]:
    """Make a page; it ends with the block. `options` are more of Locust's parsed options."""
    login = {"page_user": "holdfast", "page_password": password}
    with controller_bench(monkeypatch, target="tcp://server:8686", **login) as bench:
        environment = bench.controller.environment
        own = {"num_users": 5, "spawn_rate": 1.0, "run_time": None, "stats_history_enabled": False, "web_base_path": ""}
        vars(environment.parsed_options).update(own | {"stop_timeout": 0.0, "topic": "news", "sizes": [1, 2]} | options)
        environment.stats.log_request("TCP", "message", 1.0, 20)
        monkeypatch.setattr(sys, "argv", ["locust"])  # Locust's page reads the command line each time
        web_ui = WebUI(environment, "127.0.0.1", 0, web_login=bool(password), delayed_start=True)
        tab.install(bench.controller, web_ui)
        try:
            yield LocalPage(bench, web_ui)
        finally:
            environment.web_ui = None
