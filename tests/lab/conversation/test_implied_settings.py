from pathlib import Path

import pytest

from lab.conversation.compile import compiled
from lab.conversation.syntax.source import Mistake

STEPS = "steps: [{send: a, name: set}, {send: b, name: get}]\nheartbeat: {every: 1s, send: h, name: beat}\n"


def _implied(tmp_path: Path, text: str) -> dict[str, str]:
    (tmp_path / "a.yaml").write_text(text + "\n" + STEPS)
    return dict(compiled(tmp_path / "a.yaml", "a.yaml").settings)


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", {}),
        ("target: tls://[::1]:443", {"TARGET": "tls://[::1]:443"}),
        ("timeout: 500ms", {"TIMEOUT": "0.5"}),
        ("users: 500\nrate: 0.5\ntime: 1h30m", {"USERS": "500", "RATE": "0.5", "TIME": "5400s"}),
        ("every: 0", {"EVERY": "0"}),
        ("tls: {name: a.test, verify: no}", {"TLS_NAME": "a.test", "TLS_VERIFY": "no"}),
        ("drill: {name: reset}", {"DRILL": "reset"}),
        ("drill: {name: reset, at: 1m, for: 5s}", {"DRILL": "reset", "AT": "60s", "FOR": "5s"}),
        ("thresholds: {p99: 1.5ms}", {"MAX_P99_MS": "1.5"}),
        ("thresholds: {p99: {all: 50ms, set: 20ms, get: 1s}}", {"MAX_P99_MS": "50,set=20,get=1000"}),
        ("thresholds: {p50: {beat: 1ms}, p95: 2ms}", {"MAX_P50_MS": "beat=1", "MAX_P95_MS": "2"}),
        ("thresholds: {p99_9: 3ms}", {"MAX_P99_9_MS": "3"}),
        ("thresholds: {failures: {all: 3, set: 0.1%}}", {"MAX_FAILURES": "3,set=0.1%"}),
        ("thresholds: {held: 10, messages_s: {get: 5}}", {"MIN_HELD": "10", "MIN_MESSAGES_S": "get=5"}),
    ],
)
def test_settings(text: str, settings: dict[str, str], tmp_path: Path) -> None:
    assert _implied(tmp_path, text) == settings


def test_paths_of_tls_begin_in_the_folder_of_the_file(tmp_path: Path) -> None:
    found = _implied(tmp_path, "tls: {ca: certs/ca.pem, cert: '{user}.pem', key: '/keys/{user}.key'}")
    assert found == {
        "TLS_CA": str(tmp_path / "certs/ca.pem"),
        "TLS_CERT": str(tmp_path / "{number}.pem"),
        "TLS_KEY": "/keys/{number}.key",
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("users: 0", "a.yaml:1:8: this gives USERS=0; expected a whole number of at least 1; correct it"),
        ("time: 1.5s", "a.yaml:1:7: this gives TIME=1.5s; expected a time like 60s, 2m or 1h30m"),
        ("drill: {name: reset, at: 0.5s}", "a.yaml:1:26: this gives AT=0.5s; expected a time like 60s"),
        ("timeout: 0", "a.yaml:1:10: this gives TIMEOUT=0; expected a number above 0"),
        ("target: tcp://a", "a.yaml:1:9: this gives TARGET=tcp://a; it has no port"),
        ("thresholds: {p99: {put: 1s}}", "a.yaml:1:20: a limit for `put`, and no step has that name; expected all, or"),
        ("thresholds: {failures: 200%}", "a.yaml:1:24: this gives MAX_FAILURES=200%"),
    ],
)
def test_setting_that_is_refused(text: str, line: str, tmp_path: Path) -> None:
    with pytest.raises(Mistake) as refused:
        _implied(tmp_path, text)
    assert str(refused.value).startswith(line)
