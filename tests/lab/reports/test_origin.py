import subprocess
from pathlib import Path

import pytest

from lab import settings
from lab.inputs import scenario_settings
from lab.reports import origin
from lab.settings import Settings
from rawsocket.settings.declared import DeclaredSetting


def test_command_that_repeats_a_run_has_all_that_was_given() -> None:
    flags, environ = {"TARGET": "tcp://a:1"}, {"USERS": "5", "KEEP": "3", "SERVER_LOG_LEVEL": "debug", "HOME": "/x"}
    chosen = settings.read(flags, environ, "ci")
    assert origin.repeat("ci", chosen, environ) == "make ci USERS=5 TARGET=tcp://a:1 SERVER_LOG_LEVEL=debug"


def test_command_is_quoted_for_a_shell() -> None:
    chosen = settings.read({"MAX_P99_MS": "500,my row=100"}, {}, "load")
    assert origin.repeat("load", chosen, {}) == "make load MAX_P99_MS='500,my row=100'"


def test_command_without_settings() -> None:
    assert origin.repeat("load", settings.read({}, {}, "load"), {}) == "make load"


def test_command_has_no_secret_of_the_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = [DeclaredSetting("topic"), DeclaredSetting("token", secret=True)]
    monkeypatch.setattr(scenario_settings, "rows", lambda scenario: declared)
    chosen = Settings({**settings.read({}, {}, "load").values, "TOPIC": "news", "TOKEN": "s3cret"}, frozenset())
    assert origin.repeat("load", chosen, {}) == "make load TOPIC=news"


OF_RUN = {"users": 100, "rate": 100.0, "time_s": None, "every_s": 0.5, "every": 0.5, "size_bytes": 20, "size": 20,
          "target": "tcp://server:8686", "max_silent_connections": -1, "headless": False}  # fmt: skip


def test_run_from_the_page_is_repeated_with_what_its_form_and_its_lab_were_given() -> None:
    at_up = {"PAGE_PORT": "8090", "EVERY": "2", "USERS": "5", "MODEL": "epoll", "SERVER_LOG_LEVEL": "debug"}
    wanted = "make load EVERY=0.5 USERS=100 MODEL=epoll SERVER_LOG_LEVEL=debug RATE=100"
    assert origin.repeat_from_page(at_up, OF_RUN) == wanted


def test_setting_that_the_form_has_set_back_is_not_repeated() -> None:
    assert origin.repeat_from_page({"RATE": "9", "TIME": "5m"}, {"rate": 200.0, "time_s": 60.0}) == "make load"


def test_what_was_given_includes_the_server_and_no_other_variable() -> None:
    environ = {"USERS": "5", "SERVER_LOG_LEVEL": "debug", "HOME": "/x"}
    assert origin.given(settings.read({}, environ), environ) == {"USERS": "5", "SERVER_LOG_LEVEL": "debug"}


def test_environment_of_a_run_without_files(tmp_path: Path) -> None:
    assert origin.environment(tmp_path) == {}
    (tmp_path / "env.json").write_text('{"set')
    assert origin.environment(tmp_path) == {}


def test_state_of_the_checkout(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=n", "-c", "user.email=e@example.org")
        subprocess.run(["git", *who, "-C", str(tmp_path), *words], check=True, capture_output=True)

    assert origin.git_state(tmp_path) == ""
    git("init")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-m", "one")
    assert len(origin.git_state(tmp_path)) >= 7
    (tmp_path / "a").write_text("2")
    assert origin.git_state(tmp_path).endswith(", with changes")
