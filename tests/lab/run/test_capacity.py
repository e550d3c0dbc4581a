import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab import folders, settings
from lab.errors import UsageError
from lab.run import capacity
from lab.settings import ROOT, read

SEVERAL = """
from rawsocket import LabUser

class Pairs(LabUser):
    connections_per_user = 2
"""
ELSEWHERE = "from mine import Base\n\nclass Theirs(Base): pass\n"
STEPS = "import math\nfrom locust import LoadTestShape\n"


def test_min_held_above_users_is_refused_before_anything_is_started() -> None:
    with pytest.raises(UsageError, match=r"^MIN_HELD=900 is above USERS=800: .*Lower MIN_HELD or raise USERS\.$"):
        capacity.check_held(read({"MIN_HELD": "900"}, {}))
    for given in ({"MIN_HELD": "900", "USERS": "900"}, {"MIN_HELD": "0"}, {}):
        capacity.check_held(read(given, {}))


@pytest.mark.parametrize("source", [SEVERAL, ELSEWHERE, STEPS, "from . import base\n", "import json, mine.base\n"])
def test_master_checks_min_held_where_users_may_hold_several_connections(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = read({"MIN_HELD": "900"}, {})
    (tmp_path / "locustfiles").mkdir()
    (tmp_path / "locustfiles/hold.py").write_text(source)
    monkeypatch.setattr(folders, "work", lambda: tmp_path)
    capacity.check_held(chosen)


def _warning(**given: Any) -> str:
    return capacity.warning(read({name: str(value) for name, value in given.items()}, {}))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"USERS": 1100},
            "USERS=1100 is above the 1000 that select holds: the server refuses the others, or lets them wait. "
            "If that is not what you want: lower USERS, PROCESSES=auto MAX_CONNECTIONS=1100, or MODEL=epoll",
        ),
        ({"USERS": 1100, "PROCESSES": "auto"}, "the 1000 that select holds"),
        ({"USERS": 2001, "PROCESSES": 2}, "the 2000 that select holds"),
        ({"USERS": 60, "MAX_CONNECTIONS": 40}, "above MAX_CONNECTIONS=40:"),
        ({"USERS": 60, "MAX_CONNECTIONS": 40, "MODEL": "epoll"}, "lower USERS, or PROCESSES=auto MAX_CONNECTIONS=60"),
        ({"USERS": 4001, "MODEL": "threaded"}, "the 4000 that threaded holds"),
        ({"USERS": 8, "MODEL": "sync"}, "the 1 that sync holds: .* lower USERS, or MODEL=epoll"),
        ({"USERS": 5, "MODEL": "prefork", "PROCESSES": 4}, "the 4 that prefork holds"),
        ({"USERS": 1100, "SCENARIO": "closed"}, "the 1000 that select holds"),
    ],
)
def test_warning_for_users_above_the_cap(given: dict[str, Any], said: str) -> None:
    warning = _warning(**given)
    assert re.search(said, warning), warning
    assert "\n" not in warning


@pytest.mark.parametrize(
    "given",
    [
        {"USERS": 1000},
        {"USERS": 1100, "MODEL": "epoll"},
        {"USERS": 1100, "MODEL": "tutorial"},
        {"USERS": 1100, "SCENARIO": "churn"},
        {"USERS": 20, "SCENARIO": "tutorial", "MODEL": "sync"},
        {"USERS": 1100, "TARGET": "tcp://10.0.0.5:9000"},
        {"USERS": 15_000, "PROCESSES": "auto", "MAX_CONNECTIONS": 15_000},
        {"USERS": 2000, "PROCESSES": 2},
    ],
)
def test_no_warning_for_other_settings(given: dict[str, Any]) -> None:
    assert _warning(**given) == ""


CLASSES = """
import importlib.util, inspect, json, sys
import rawsocket
found = {}
for path in sys.argv[1:]:
    spec = importlib.util.spec_from_file_location("scenario", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    classes = [value for value in vars(module).values() if inspect.isclass(value) and value.__module__ == "scenario"]
    found[path] = [value.holds for value in classes if hasattr(value, "holds")]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def classes() -> dict[str, list[bool]]:
    """`holds` of each class of each scenario, by its file. They can't be imported here: that would import Locust."""
    files = [f"locustfiles/{scenario}.py" for scenario in settings.scenarios()]
    command = [sys.executable, "-c", CLASSES, *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, list[bool]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("scenario", settings.scenarios())
def test_what_the_source_of_a_scenario_says_is_what_its_classes_say(
    classes: dict[str, list[bool]], scenario: str
) -> None:
    of_scenario = classes[f"locustfiles/{scenario}.py"]
    assert of_scenario
    assert capacity.holds(scenario) is all(of_scenario)


@pytest.mark.parametrize("target", ["", "tcp://127.0.0.1:9000"])
def test_syntax_error_of_a_scenario_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    (tmp_path / "locustfiles").mkdir()
    (tmp_path / "locustfiles/hold.py").write_text("import os\n\nclass A(int)\n    pass\n")
    monkeypatch.setattr(folders, "work", lambda: tmp_path)
    with pytest.raises(UsageError, match=r"^locustfiles/hold.py:3: SyntaxError: expected ':'$"):
        _warning(SCENARIO="hold", **({"TARGET": target} if target else {}))


def _memory(size: str) -> None:
    """Check 400 users on each of two workers, which have the default of 1 GiB."""
    chosen = read({"SIZE": size, "TARGET": "tcp://10.0.0.5:9000"}, {})
    capacity.check_memory(chosen, capacity.memory_limit(chosen, "docker"))
    capacity.check_memory(chosen, 0)  # no limit


def test_memory_that_no_worker_starts_with_is_an_error() -> None:
    chosen = read({"WORKER_MEM": "24m"}, {})
    with pytest.raises(UsageError, match=r"^WORKER_MEM=24m is too little: .* Give 64m or more, or 0 for no limit$"):
        capacity.check_memory(chosen, capacity.memory_limit(chosen, "docker"))
    for enough in ("64m", "0"):
        chosen = read({"WORKER_MEM": enough}, {})
        capacity.check_memory(chosen, capacity.memory_limit(chosen, "docker"))


def test_messages_that_a_worker_has_no_memory_for_are_refused() -> None:
    """A message and its reply are kept."""
    _memory("1300000")
    with pytest.raises(UsageError, match=r"^SIZE=1500000 with 400 users .* 1\.1 GiB, and a worker has 1\.0: lower"):
        _memory("1500000")


def test_local_processes_share_the_memory_of_the_machine() -> None:
    one, two = (capacity.memory_limit(read({"WORKERS": workers}, {}), "native") for workers in ("1", "2"))
    assert one // 2 == two > 0
