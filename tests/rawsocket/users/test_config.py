import argparse
from typing import Any

import pytest

from rawsocket import target
from rawsocket.engine.tls.configuration import Tls
from rawsocket.users.config import ConfiguredUser
from rawsocket.wire.framing import MAX_SIZE, Chunk, Fixed, Line


class Environment:
    """The part of Locust's environment that a user reads."""

    def __init__(self, host: str | None = None, **options: Any) -> None:
        self.host = host
        self.parsed_options = argparse.Namespace(**options)


def user(environment: Environment, **attributes: Any) -> Any:
    made: Any = type("Mine", (ConfiguredUser,), attributes)()
    made.environment = environment
    return made


def test_host_of_the_run_overrides_the_class():
    assert user(Environment("tcp://a:1"), host="tcp://b:2").chosen_target() == target.Target("a", 1)
    assert user(Environment(), host="tcp://b:2").chosen_target() == target.Target("b", 2)
    assert user(Environment(), host=None).chosen_target() == target.DEFAULT


def test_tls_of_the_class_comes_before_the_settings(monkeypatch: pytest.MonkeyPatch):
    assert user(Environment()).chosen_tls() == Tls(verify=True)
    monkeypatch.setenv("TLS_CA", "ca.pem")
    monkeypatch.setenv("TLS_NAME", "a.test")
    monkeypatch.setenv("TLS_VERIFY", "no")
    assert user(Environment()).chosen_tls() == Tls(ca="ca.pem", name="a.test", verify=False)
    own = Tls(name="b.test", verify=True, alpn=("x",))
    assert user(Environment(), tls=own).chosen_tls() == Tls("ca.pem", "b.test", verify=True, alpn=("x",))


@pytest.mark.parametrize(
    ("options", "framing"),
    [
        ({}, Line()),
        ({"framing": "chunk"}, Chunk()),
        ({"framing": "line", "size": MAX_SIZE * 2}, Line(MAX_SIZE * 2)),
    ],
)
def test_framing_flag_applies_unless_the_class_sets_a_framing(options: dict[str, Any], framing: Any):
    assert user(Environment(**options)).chosen_framing() == framing
    assert user(Environment(**options), framing=Fixed(4)).chosen_framing() == Fixed(4)


def test_class_timeout_overrides_the_flag():
    made = user(Environment(timeout=3.0), reply_timeout=0.5)
    assert made.chosen_timeouts() == {"connect_timeout": 3.0, "send_timeout": 3.0, "reply_timeout": 0.5}


def test_option_missing_from_locust_has_its_default():
    assert user(Environment()).option("every") == 10.0
