from pathlib import Path

import pytest

from lab.conversation.compile import compiled
from lab.errors import UsageError
from rawsocket.conversation.plan import Expectation, FramingPlan, More, Plan, Template, Value

REDIS = r"""
framing: {delimiter: "\r\n"}
target: tcp://127.0.0.1:6379
connect:
  - {send: "AUTH {user} \xff{random:16}", expect: "+OK", reject: {prefix: "-"}}
every: 10s
steps:
  - {send: "SET k{user} {random:16}", expect: "+OK", name: set}
  - {send: "GET k{user}", expect: {regex: "^\\$(?P<len>\\d+)$"}, then: {bytes: "{len}+2"}, name: get}
  - wait: 500ms
  - close
heartbeat: {every: 30s, send: "PING", expect: "+PONG"}
pushes: {prefix: ">"}
goodbye: {send: "QUIT"}
tls: {ca: ca.pem, name: redis.test, cert: "{user}.pem"}
thresholds: {p99: {set: 20ms, get: 10ms}, failures: 0.1%}
"""


@pytest.fixture
def redis(tmp_path: Path) -> Path:
    file = tmp_path / "redis.yaml"
    file.write_text(REDIS)
    return file


def test_plan_of_a_file(redis: Path) -> None:
    plan = compiled(redis).plan
    assert plan.name == "redis"
    assert plan.framing == FramingPlan(
        "Delimiter", {"mark": b"\r\n"}, more=(More(rb"^\$(?P<len>\d+)$", group="len", extra=2),)
    )
    assert [step.name for step in (*plan.connect, *plan.steps, *plan.goodbye)] == ["AUTH", "set", "get", "", "", "QUIT"]
    login = plan.connect[0]
    user, random = Value("built-in", "user"), Value("built-in", "random", "16")
    assert login.message == Template((b"AUTH ", user, b" \xff", random))
    assert login.reject == (Expectation("prefix", Template((b"-",))),)
    assert plan.steps[2].seconds == 0.5
    assert Plan.from_json(plan.to_json()) == plan


def test_settings_that_a_file_implies(redis: Path) -> None:
    assert compiled(redis).settings == {
        "TARGET": "tcp://127.0.0.1:6379",
        "EVERY": "10",
        "TLS_CA": str(redis.parent / "ca.pem"),
        "TLS_NAME": "redis.test",
        "TLS_CERT": str(redis.parent / "{number}.pem"),
        "MAX_P99_MS": "set=20,get=10",
        "MAX_FAILURES": "0.1%",
    }


def test_unknown_key_has_a_place_and_a_suggestion(redis: Path) -> None:
    redis.write_text("steps:\n  - {send: a, exect: b}\n")
    with pytest.raises(UsageError) as refused:
        compiled(redis, "redis.yaml")
    assert str(refused.value).startswith("redis.yaml:2:15: unknown key `exect`; did you mean expect?; expected one of ")
