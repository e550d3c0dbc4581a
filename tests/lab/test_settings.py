import argparse
from itertools import pairwise

import pytest

from lab import settings
from lab.settings import ENVIRONMENT, SETTINGS, read
from rawsocket.settings import table as load
from rawsocket.settings.row import Setting
from server.settings import APPS, FRAMINGS
from server.settings import TABLE as SERVER_TABLE

# The interface that users rely on.
PINNED = {
    "USERS": "800",
    "RATE": "200",
    "TIME": "60s",
    "WORKERS": "2",
    "SCENARIO": "hold",
    "EVERY": "10",
    "SIZE": "20",
    "TIMEOUT": "10",
    "PACE": "open",
    "ARRIVALS": "even",
    "MAX_LAG_MS": "50",
    "SOURCES": "",
    "TARGET": "",
    "MODEL": "select",
    "APP": "echo",
    "FRAMING": "line",
    "MAX_CONNECTIONS": "",
    "PROCESSES": "1",
    "PAGE_HOST": "127.0.0.1",
    "PAGE_PORT": "8089",
    "SERVER_PORT": "8686",
    "ENGINE": "auto",
    "BASE_IMAGE": "",
    "SERVER_CPUS": "0",
    "SERVER_MEM": "1g",
    "WORKER_CPUS": "0",
    "WORKER_MEM": "1g",
    "MIN_HELD": "",
    "MAX_FAILURES": "0",
    "MAX_P99_MS": "1000",
    "MAX_P50_MS": "",
    "MAX_P95_MS": "",
    "MAX_P99_9_MS": "",
    "MIN_MESSAGES_S": "",
    "MAX_SILENT_CONNECTIONS": "-1",
}


@pytest.mark.parametrize(("name", "default"), PINNED.items())
def test_each_pinned_variable_has_its_default(name: str, default: str) -> None:
    assert read({}, {})[name] == default


def test_names_and_flags_are_unique_and_match() -> None:
    assert len({s.variable for s in SETTINGS}) == len(SETTINGS)
    for setting in SETTINGS:
        assert setting.flag.removeprefix("--").replace("-", "_").upper() == setting.variable
        assert setting.help
        assert setting.why


def test_every_default_passes_its_own_check() -> None:
    for verb in ("", "ci", "load", "up"):
        assert not read({}, {}, verb).given


def test_flag_beats_environment_beats_default() -> None:
    assert read({}, {"USERS": "5"})["USERS"] == "5"
    assert read({"USERS": "6"}, {"USERS": "5"})["USERS"] == "6"
    assert read({"USERS": None}, {"USERS": "5"})["USERS"] == "5"


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_value_counts_as_unset(empty: str) -> None:
    chosen = read({"USERS": ""}, {"USERS": empty, "MIN_HELD": empty, "TIME": empty}, "ci")
    assert (chosen["USERS"], chosen["MIN_HELD"], chosen["TIME"]) == ("800", "", "30s")
    assert not chosen.given


def test_the_default_environment_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USERS", "7")
    assert read({})["USERS"] == "7"


def test_given_names_the_settings_that_were_set() -> None:
    assert read({"USERS": "5"}, {"RATE": "200"}).given == {"USERS", "RATE"}


def test_ci_is_shorter_and_load_does_not_judge_held_unless_asked() -> None:
    assert read({}, {}, "ci")["TIME"] == "30s"
    assert read({}, {}, "ci")["MIN_HELD"] == ""
    assert read({}, {}, "load")["MIN_HELD"] == "0"
    assert read({"MIN_HELD": "5", "TIME": "9s"}, {}, "load")["MIN_HELD"] == "5"


@pytest.mark.parametrize(
    ("target", "loopback"),
    [
        ("tcp://127.0.0.1:1", True),
        ("tcp://127.1.2.3:1", True),
        ("tcp://localhost:1", True),
        ("tcp://[::1]:1", True),
        ("tcp://10.0.0.5:1", False),
        ("tcp://server.example:1", False),
        ("tcp://127.0.0.1.example:1", False),
        ("tcp://0.0.0.0:1", True),
        ("tcp://[::]:1", True),
        ("", False),
    ],
)
def test_loopback_target(target: str, loopback: bool) -> None:
    assert read({"TARGET": target}, {}).loopback_target is loopback


def test_derived_figures() -> None:
    chosen = read({"USERS": "100", "RATE": "50", "TIME": "2m", "WORKERS": "3"}, {})
    assert (chosen.workers, chosen.run_seconds, chosen.ramp_seconds) == (3, 120.0, 2.0)


@pytest.mark.parametrize(
    ("target", "parts"), [("", "server, master and workers"), ("tcp://10.0.0.5:1", "master and workers")]
)
def test_parts_name_what_is_started(target: str, parts: str) -> None:
    assert read({"TARGET": target}, {}).parts == parts


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.variable)
def test_each_choice_is_named_in_the_help_and_accepted(setting: Setting) -> None:
    for choice in setting.kind.choices:
        assert choice in setting.meaning
        assert setting.parse(choice) == choice
    assert not setting.kind.choices or setting.default in setting.kind.choices


def test_settings_with_choices() -> None:
    chosen = {setting.variable for setting in SETTINGS if setting.kind.choices}
    assert chosen == {"PACE", "ARRIVALS", "MODEL", "APP", "FRAMING", "ENGINE", "CHECK"}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.variable)
def test_a_setting_that_load_or_server_has_is_declared_there(setting: Setting) -> None:
    of_load = load.BY_NAME.get(setting.variable)
    of_server = {row.name: row for row in SERVER_TABLE}.get(setting.name)
    if of_load:
        assert (setting.default, setting.help, setting.why) == (of_load.default, of_load.help, of_load.why)
    elif of_server:
        assert (setting.kind.parse, setting.default) == (of_server.kind.parse, of_server.default)


def test_load_and_server_agree_on_apps_and_framings() -> None:
    """Each has a table of its own, because neither may import the other."""
    assert set(load.BY_NAME["APP"].kind.choices) == set(APPS)
    assert set(load.BY_NAME["FRAMING"].kind.choices) == set(FRAMINGS)


@pytest.mark.parametrize("setting", ENVIRONMENT, ids=lambda setting: setting.variable)
def test_a_setting_from_the_environment_alone(setting: Setting) -> None:
    assert settings.from_environment(setting.variable, {}) == (setting.default or "")
    special = {"SCENARIO_SETTINGS": '{"TOPIC": "news"}', "PAGE_PASSWORD": "twelve chars"}
    value = special.get(setting.variable, "x")
    assert settings.from_environment(setting.variable, {setting.variable: f" {value} "}) == value
    assert setting.help
    assert setting.why


def test_scenarios_are_the_files_of_locustfiles() -> None:
    assert {"hold", "closed", "churn", "tutorial", "protocols/redis_commands"} <= set(settings.scenarios())


def test_models_are_the_servers() -> None:
    assert {"select", "epoll", "sync"} <= set(settings.models())


def test_each_setting_has_a_flag_with_its_default_in_the_help() -> None:
    parser = argparse.ArgumentParser()
    settings.add_flags(parser)
    assert all(value is None for value in vars(parser.parse_args([])).values())
    assert vars(parser.parse_args(["--min-held", "5", "--max-failures", "-1"]))["MIN_HELD"] == "5"
    text = " ".join(parser.format_help().split())
    for setting, following in pairwise(SETTINGS):
        part = text[text.index(f"{setting.flag} X ") :].split(f"{following.flag} X ")[0]
        assert not setting.default or f"(default {setting.default})" in part


def test_seconds_of_wait() -> None:
    assert (read({}, {}).wait_seconds, read({"WAIT": "2m"}, {}).wait_seconds) == (0.0, 120.0)
