"""The page in a browser, with the answers of a lab that isn't there: fast, and in any state that is wanted.

The HTML and the scripts are the real ones; what they ask the lab for is made up (page_states.py).
"""

import importlib.util
import json
import mimetypes
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page as Browser
from playwright.sync_api import Route

from tests.support import page_states
from tests.support.lab import ROOT

ADDRESS = "http://holdfast.test"
NO_ROWS = {
    "name": "Aggregated", "method": "", "safe_name": "", "num_requests": 0, "num_failures": 0, "min_response_time": 0,
    "max_response_time": 0, "current_rps": 0, "current_fail_per_sec": 0, "avg_response_time": 0,
    "median_response_time": 0, "total_rps": 0, "total_fail_per_sec": 0, "avg_content_length": 0,
}  # fmt: skip


@cache
def html() -> str:
    """Return the page as a lab serves it; made once, in a process of its own."""
    command = [sys.executable, "-m", "tests.support.page_html"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def locusts(path: str) -> Path:
    """Return the file behind a path of Locust's page."""
    spec = importlib.util.find_spec("locust")
    assert spec
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "webui/dist" / path.lstrip("/")


class CannedPage:
    """Answers the browser; `state` and `timeline` can be changed at any time, None: no answer."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.state: dict[str, Any] | None = None
        self.timeline: dict[str, Any] = {}
        self.posted: list[str] = []
        self.answer: dict[str, Any] = {"success": True, "message": "Swarming started", "host": ""}
        browser.route("**/*", self._serve)

    def open(self, name: str) -> None:
        """Open the page in one of the states, or its start form ("ready")."""
        if name == "ready":
            self.state = page_states.state("running") | {"state": "ready", "run": {"id": "", "scenario": "hold"}}
        else:
            self.become(name)
        self.browser.goto(f"{ADDRESS}/")

    def become(self, name: str) -> None:
        """Answer as in another state from now on."""
        self.state, self.timeline = page_states.state(name), page_states.timeline(name)

    def _serve(self, route: Route) -> None:
        path = route.request.url.removeprefix(ADDRESS).partition("?")[0]
        body, kind = self._found(path, route.request.post_data)
        if body is None:
            route.abort()
        else:
            route.fulfill(body=body, content_type=kind)

    def _found(self, path: str, posted: str | None) -> tuple[str | bytes | None, str]:
        if path == "/":
            shown = (self.state or {}).get("state", "ready")
            shown = "running" if shown == "stopping" else shown
            return html().replace('"state": "ready"', f'"state": "{shown}"'), "text/html"
        if path.startswith("/assets/"):
            return locusts(path).read_bytes(), mimetypes.guess_type(path)[0] or ""
        if path == "/swarm":
            self.posted.append(posted or "")
            return json.dumps(self.answer), "application/json"
        found = self._asked(path)
        return None if found is None else json.dumps(found), "application/json"

    def _asked(self, path: str) -> dict[str, Any] | None:
        if self.state is None:
            return None
        shown = {"stats": [NO_ROWS], "errors": [], "workers": [], "worker_count": 2, "state": self.state["state"]}
        rates = {"current_rps": 0, "current_fail_per_sec": 0, "fail_ratio": 0, "user_count": self.state["users"]}
        return {
            "/lab/state.json": self.state,
            "/lab/timeline.json": self.timeline,
            "/stats/requests": {**shown, **rates, "current_response_time_percentiles": {}},
            "/exceptions": {"exceptions": []},
            "/tasks": {"per_class": {}, "total": {}},
            "/logs": {"master": [], "workers": {}},
            "/worker-count": {"worker_count": 2},
        }.get(path)
