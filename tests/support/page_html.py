"""Prints the page's HTML as a lab serves it, without a lab: a program of its own, because Locust patches its process.

python -m tests.support.page_html
"""

import argparse
import sys

from locust import User, events
from locust.env import Environment
from locust.web import WebUI

from rawsocket.master.controller import RunController
from rawsocket.master.page import tab
from rawsocket.master.server_probe import ServerProbe
from rawsocket.settings import options
from rawsocket.settings.plan import Plan

METRICS = """holdfast_server_info{model="select",app="echo",framing="line"} 1.0
holdfast_server_connections 0.0
holdfast_server_max_connections 1000.0
"""


class Hold(User):
    """A user that holds its connection."""

    holds = True


def html() -> str:
    """Return the page before the first run."""
    events.init_command_line_parser.add_listener(lambda parser, **_: options.add_to(parser))
    known = argparse.Namespace(num_users=800, spawn_rate=200.0, run_time=None, stats_history_enabled=False)
    parsed = argparse.Namespace(**vars(known), **options.DEFAULTS)
    environment = Environment(user_classes=[Hold], parsed_options=parsed, host="tcp://server:8686")
    environment.create_master_runner("127.0.0.1", 0)
    controller = RunController(environment, Plan(workers=2, users=800, scenario="hold", target="tcp://server:8686"))
    controller.probe = ServerProbe("http://server:8687", lambda _: METRICS)
    controller.probe.poll()
    web_ui = WebUI(environment, "127.0.0.1", 0, delayed_start=True)
    tab.install(controller, web_ui)
    assert web_ui.app is not None
    return web_ui.app.test_client().get("/").text


if __name__ == "__main__":
    sys.argv = ["locust"]
    sys.stdout.write(html())
    sys.stdout.flush()
