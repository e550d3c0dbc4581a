import json
from typing import Any

import pytest

from rawsocket.master.page import malformed

OPTIONS: dict[str, Any] = {
    "topic": "news",
    "number": 5,
    "share": 0.5,
    "on": True,
    "sizes": [1],
    "names": ["a"],
    "no": None,
}


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"user_count": "0", "spawn_rate": "0.5", "run_time": "", "host": ""},
        {"user_count": "10000000", "spawn_rate": "10000", "run_time": "1h20m", "host": "tcp://server:8686"},
        {"run_time": "0"},
        {"topic": "old", "number": "7", "share": "1", "on": "x", "sizes": "1,2", "names": "x,y", "no": "z", "new": "w"},
    ],
)
def test_start_that_locust_can_take(form: dict[str, str]) -> None:
    assert malformed.start(form, OPTIONS) is None


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"user_count": "\u00b2"}, "users: '\\xb2' is no whole number from 0 to 10,000,000"),
        ({"user_count": "5_0"}, "users: '5_0' is no whole number"),
        ({"user_count": "10000001"}, "users: '10000001' is no whole number"),
        ({"user_count": "9" * 5000}, "users: '9999999999999999999999999999999999999999...' is no"),
        ({"spawn_rate": "0"}, "rate: '0' is no number from 0.001 to 10,000,000"),
        ({"spawn_rate": "nan"}, "rate: 'nan' is no number"),
        ({"spawn_rate": "x"}, "rate: 'x' is no number"),
        ({"run_time": "5 minutes"}, "run time: '5 minutes' is no time like 20, 20s, 3m"),
        ({"run_time": "99999999999999h"}, "run time: '99999999999999h' is no time"),
        ({"run_time": "9" * 30}, "run time: "),
        ({"host": "tcp://x\r\ny"}, "host: 'tcp://x\\r\\ny' is no address"),
        ({"number": "x"}, "number: 'x' can't take the place of '5'"),
        ({"sizes": "1,x"}, "sizes: '1,x' can't take the place of '[1]'"),
    ],
)
def test_start_that_locust_can_not_take(form: dict[str, str], said: str) -> None:
    assert (malformed.start(form, OPTIONS) or "").startswith(said)


def test_options_of_locust_that_no_start_sets_are_dropped() -> None:
    form = {"user_count": "5", "host": "h", "topic": "x", "stop_timeout": "9", "csv_prefix": "/x", "headless": "true"}
    assert malformed.known(form) == {"user_count": "5", "host": "h", "topic": "x"}


CLASSES = ["Hold", "Come"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"user_class_name": "Hold", "weight": 2, "fixed_count": 0, "host": "tcp://x:1", "tasks": ["hold"]}, None),
        ({"user_class_name": "Hold", "host": None}, None),
        ({"user_class_name": "Other"}, "user_class_name: expected one of Come, Hold"),
        ({"user_class_name": ["Hold"]}, "user_class_name: expected one of"),
        ([], "expected a JSON object with user_class_name"),
        ({"user_class_name": "Hold", "weight": -1}, "weight: expected a whole number"),
        ({"user_class_name": "Hold", "fixed_count": "5"}, "fixed_count: expected a whole number"),
        ({"user_class_name": "Hold", "tasks": "hold"}, "tasks: expected a list of names"),
        ({"user_class_name": "Hold", "host": 5}, "host: is no address"),
        ({"user_class_name": "Hold", "run": 5}, "run: can't be changed: tasks, host, weight, fixed_count can"),
    ],
)
def test_change_of_a_user_class(asked: Any, said: str | None) -> None:
    found = malformed.user(json.dumps(asked).encode(), CLASSES)
    assert found is None if said is None else (found or "").startswith(said)


@pytest.mark.parametrize("body", [b"", b"\xff", b"[" * 100_000])
def test_change_of_a_user_class_that_is_no_json(body: bytes) -> None:
    assert malformed.user(body, CLASSES) == "expected a JSON object with user_class_name"


def test_change_without_the_class_picker() -> None:
    assert "--class-picker" in (malformed.user(b"{}", None) or "")
