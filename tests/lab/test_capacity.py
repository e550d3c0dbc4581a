import re
from typing import Any

import pytest

from lab import capacity, settings
from lab.settings import read
from server.models.base import load


def _warning(**given: Any) -> str:
    return capacity.warning(read({name: str(value) for name, value in given.items()}, {}))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"USERS": 1100},
            "USERS=1100 is above the 1000 that select holds: all others are refused, or wait. If that is not meant: "
            "lower USERS, PROCESSES=auto MAX_CONNECTIONS=1100, or MODEL=epoll",
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
def test_users_above_the_cap_are_warned_of(given: dict[str, Any], said: str) -> None:
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
def test_no_others(given: dict[str, Any]) -> None:
    assert _warning(**given) == ""


@pytest.mark.parametrize("model", settings.models())
def test_what_is_read_from_the_source_is_what_the_server_has(model: str) -> None:
    made = load(model)
    assert capacity.of_model(model, "default_cap") == made.default_cap
    assert bool(capacity.of_model(model, "preforks")) == made.preforks
