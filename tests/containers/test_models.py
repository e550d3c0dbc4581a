"""Every server of the story through `lab ci`: the verdict, and what is said of the model.

Two of them run in containers: one of several processes, and one that crashes. Nothing in the others depends on the
engine, and local processes need a third of the CPU. `select` is the server of test_ci.py, and test_processes.py has a
lab in containers with `threaded`.
"""

import json
import re
import subprocess
from typing import Any

import pytest

from tests.support.busy_machine import doubted, retried_if_busy, retry_on_busy_machine
from tests.support.lab import ROOT, lab

SHORT = {"USERS": "20", "RATE": "40", "TIME": "5s", "EVERY": "1", "WORKERS": "1", "MAX_P99_MS": "0"}
# What each model is asked for: not to hold twenty connections where it can't.
ASKED: dict[str, dict[str, str]] = {
    "sync": {"SCENARIO": "churn", "ENGINE": "native"},
    "threaded": {"ENGINE": "native"},
    "prefork": {"USERS": "6", "MAX_CONNECTIONS": "6", "ENGINE": "docker"},
    "busy": {"ENGINE": "native"},
    "poll": {"ENGINE": "native"},
    "epoll": {"ENGINE": "native"},
    "asyncio": {"ENGINE": "native"},
    "tutorial": {"ENGINE": "docker"},
}

Done = subprocess.CompletedProcess[str]


def _run(model: str) -> Done:
    return lab("ci", MODEL=model, **{**SHORT, **ASKED[model]})


def _verdict(done: Done) -> dict[str, Any]:
    folder = re.search(r"Artefacts: (\S+?)/ ", done.stderr)
    assert folder, done.stdout + done.stderr
    file = ROOT / folder[1] / "verdict.json"
    assert file.exists(), f"no verdict, exit {done.returncode}: {done.stdout}{done.stderr}"
    return dict(json.loads(file.read_text()))


def _row(verdict: dict[str, Any], what: str) -> dict[str, Any]:
    return next(row for row in verdict["ledger"]["rows"] if row["what"] == what)


@retry_on_busy_machine
@pytest.mark.parametrize("model", sorted(ASKED.keys() - {"tutorial"}))
def test_ci_run_with_each_model_passes(images: None, model: str) -> None:
    done = _run(model)
    verdict = _verdict(done)
    assert verdict["exit_code"] == done.returncode
    assert verdict["server"]["info"]["model"] == model
    with retried_if_busy(verdict):
        # The machine may be too busy for a verdict: other runs share it, and other tests with them.
        assert verdict["verdict"] == "pass" or doubted(verdict), verdict["reasons"]
        assert verdict["ledger"]["reconciled"] is True, verdict["ledger"]
        assert (verdict["connections"]["failed"], verdict["connections"]["dropped"]) == ({}, {})
        _demand_held(verdict, model, int({**SHORT, **ASKED[model]}["USERS"]))


def _demand_held(verdict: dict[str, Any], model: str, wanted: int) -> None:
    if model == "sync":  # it closes after each reply: nobody is held, and everybody is served
        # A reply that was on its way when the run ended counts at the server alone.
        answered, closed = verdict["messages"]["answered"], verdict["server"]["closed_total"]["answered"]
        assert wanted <= answered <= closed <= verdict["messages"]["sent"]
    else:
        assert verdict["held"]["steady_min"] == verdict["held"]["server_steady_min"] == wanted


def test_tutorial_server_floods_its_clients_with_its_last_reply(images: None) -> None:
    """The clients count unexpected data as wrong, and the ledger says how much of it the server has sent."""
    done = _run("tutorial")
    verdict = _verdict(done)
    assert (done.returncode, verdict["verdict"]) == (3, "fail"), verdict["reasons"]
    assert verdict["connections"]["dropped"]["wrong"] > 0
    replies = _row(verdict, "replies")
    assert replies["server"] > 2 * _row(verdict, "messages")["server"] > 0
    assert f"ledger, replies: {replies['unexplained']} unexplained" in " ".join(verdict["reasons"])
