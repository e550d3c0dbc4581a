"""A conversation that is started from the page of a real master."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import json
import re
from pathlib import Path

from tests.support.conversations import exact, plan, prefix, send, value
from tests.support.locust_fleet import locust_fleet
from tests.support.server_process import running_server

ECHO = plan(
    send("set", b"SET ", value("user"), b" ", value("n"), expect=exact(b"SET ", value("user"), b" ", value("n"))),
    connect=(send("hello", b"HELLO", expect=prefix(b"HELLO")),),
    goodbye=(send("bye", b"BYE"),),
)


def test_form_shows_the_values_of_the_conversation_and_starts_it(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(ECHO.to_json())
    settings = {"SCENARIO": "mine", "HOLDFAST_CONVERSATION": path, "USERS": 4, "EVERY": 0.2, "MAX_P99_MS": "set=5000"}
    with running_server("--app", "echo") as server, locust_fleet(tmp_path, server, workers=1, **settings) as fleet:
        fleet.wait(lambda state: len(state["workers"]) == 1)
        page = fleet.page.text("/")
        found = re.search(r"templateArgs = (\{.*?\})\s*(?:;|</script>)", page, re.DOTALL)
        assert found
        arguments = json.loads(found[1])
        options = arguments["extra_options"]
        assert (arguments["num_users"], options["every"]["default_value"]) == (4, 0.2)
        assert options["max_p99_ms"]["default_value"] == "set=5000"
        assert not {"size", "pace", "app", "framing"} & options.keys()
        fleet.page.swarm(users=4, rate=10, every="0.1")
        fleet.wait(lambda state: state["held"] == state["server_held"] == 4)
        fleet.wait(lambda state: fleet.page.metric("holdfast_load_messages_total") >= 20)
        fleet.page.post("/stop")
        fleet.wait(lambda state: state["verdict"])
        verdict = fleet.verdict()
    assert verdict["run"]["scenario"] == "mine"
    assert verdict["run"]["every_s"] == 0.1
    assert verdict["failures"] == 0
    assert any(threshold["name"].startswith("max_p99_ms") for threshold in verdict["thresholds"])
