import argparse
from typing import Any

import pytest

from rawsocket.settings.declared import DeclaredSetting
from rawsocket.settings.options import BY_NAME, DEFAULTS, OPTIONS, add_to, of_scenario, value

PINNED = {
    "every": 10.0,
    "size": 20,
    "timeout": 10.0,
    "app": "echo",
    "pace": "open",
    "arrivals": "even",
    "max_lag_ms": 50.0,
    "framing": "line",
    "min_held": 0,
    "max_failures": "0",
    "max_p99_ms": "1000",
    "max_p50_ms": "0",
    "max_p95_ms": "0",
    "max_p99_9_ms": "0",
    "min_messages_s": "0",
    "max_silent_connections": -1,
}


class Parser(argparse.ArgumentParser):
    """Accepts the extra arguments of Locust's parser."""

    def __init__(self) -> None:
        self.taken: dict[str, dict[str, Any]] = {}
        super().__init__()

    def add_argument(self, *flags: Any, **kwargs: Any) -> Any:
        mine = {key: kwargs.pop(key) for key in ("env_var", "include_in_web_ui") if key in kwargs}
        self.taken[flags[0]] = mine
        return super().add_argument(*flags, **kwargs)


@pytest.fixture
def parser() -> Parser:
    made = Parser()
    add_to(made)
    return made


def test_defaults_have_their_pinned_values_and_types(parser: Parser):
    parsed = vars(parser.parse_args([]))
    assert parsed == PINNED
    assert all(type(parsed[name]) is type(default) for name, default in DEFAULTS.items())


def test_each_option_has_its_variable_and_a_form_field(parser: Parser):
    for option in OPTIONS:
        assert parser.taken[option.flag] == {"env_var": option.name.upper(), "include_in_web_ui": True}


def test_what_the_scenario_declares_is_an_option(monkeypatch: pytest.MonkeyPatch):
    rows = {row.name: row for row in (DeclaredSetting("depth", 3, type=int), DeclaredSetting("token", secret=True))}
    for name in ("declared", "options"):
        monkeypatch.setattr(f"rawsocket.settings.{name}.DECLARED", rows)
    parser = Parser()
    add_to(parser)
    assert parser.taken["--depth"] == {"env_var": "DEPTH", "include_in_web_ui": True}
    assert parser.taken["--token"] == {"env_var": "TOKEN", "include_in_web_ui": False}
    parsed = parser.parse_args(["--depth", "5", "--token", "s3cret"])
    assert (value(parsed, "depth"), value(parsed, "token"), value(None, "depth")) == (5, "s3cret", 3)
    assert of_scenario(parsed) == {"depth": 5}


def test_an_unknown_option_is_an_error_that_says_what_to_do():
    with pytest.raises(KeyError, match=r"no setting 'topic': a scenario declares its own with ScenarioSetting"):
        value(None, "topic")


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EVERY", "")
    parser = Parser()
    add_to(parser)
    assert "env_var" not in parser.taken["--every"]
    assert parser.parse_args([]).every == 10.0


def test_adding_twice_adds_once(parser: Parser):
    add_to(parser)
    assert parser.parse_args(["--max-p99-ms", "5"]).max_p99_ms == "5"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("every", "-1"),
        ("every", "nan"),
        ("every", "inf"),
        ("every", "often"),
        ("size", "0"),
        ("size", "1.5"),
        ("size", "99999999"),
        ("timeout", "0"),
        ("timeout", ""),
        ("app", "shout"),
        ("framing", "netstring"),
        ("min_held", "-1"),
        ("max_failures", "-2"),
        ("max_p99_ms", "-0.1"),
        ("max_p99_ms", "login=-0.1"),
        ("max_p95_ms", "0.1%"),
        ("max_failures", "login=200%"),
        ("min_messages_s", "x"),
    ],
)
def test_invalid_value_is_a_one_line_error(name: str, text: str, parser: Parser, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(ValueError, match="is not valid: expected") as caught:
        BY_NAME[name].parse(text)
    message = str(caught.value)
    assert "\n" not in message
    assert BY_NAME[name].variable in message
    with pytest.raises(SystemExit) as ended:
        parser.parse_args([f"{BY_NAME[name].flag}={text}"])
    assert ended.value.code == 2
    capsys.readouterr()


@pytest.mark.parametrize(
    ("name", "text", "meant"),
    [("every", "0", 0.0), ("max_failures", "-1", "-1"), ("timeout", "0.5", 0.5), ("app", "hello", "hello")],
)
def test_limits_of_a_range_are_valid(name: str, text: str, meant: object):
    assert BY_NAME[name].parse(text) == meant


def test_value_is_the_default_without_parsed_options():
    assert value(None, "size") == 20
    assert value(argparse.Namespace(size=7), "size") == 7
