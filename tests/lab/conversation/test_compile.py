from pathlib import Path

import pytest

from lab.conversation.compile import compiled
from lab.errors import UsageError
from rawsocket.conversation.plan import Expectation, FramingPlan, More, Plan, Template, Value
from rawsocket.shapes.document import from_document
from rawsocket.shapes.shape import Steps

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


SHAPED = "shape: {steps: {from: 100, to: 1000, by: 100, hold: 30s}}\nsteps: [{send: PING}]\n"


def test_load_shape_reaches_the_plan(tmp_path: Path) -> None:
    file = tmp_path / "shaped.yaml"
    file.write_text(SHAPED)
    plan = compiled(file).plan
    assert plan.shape is not None
    assert from_document(plan.shape) == Steps(100, 1000, 100, "30s")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("shape: steps", "shaped.yaml:1:8: shape; expected one of steps, spike, soak, wave with its keys, such as"),
        ("shape: {steps: {form: 1}}", "shaped.yaml:1:16: steps: there is no key 'form'; did you mean from?; expected"),
        (
            "shape: {steps: {from: 1, to: 9, by: 1, hold: 1s}}",
            "shaped.yaml:1:46: steps: hold: '1s' is too short: a level is judged from 2 s after it is held; "
            "expected a time of at least 3s, such as 30s, 2m or 1h30m; see docs/shapes.md",
        ),
    ],
)
def test_mistake_in_a_load_shape_has_its_place(written: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "shaped.yaml"
    file.write_text(f"{written}\nsteps: [{{send: PING}}]\n")
    with pytest.raises(UsageError) as raised:
        compiled(file, "shaped.yaml")
    assert str(raised.value).startswith(said)
