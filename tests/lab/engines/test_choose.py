import sys
from pathlib import Path

import pytest

from lab.engines import choose
from lab.engines.docker import client
from lab.errors import LabError, UsageError
from lab.settings import Settings, read
from tests.support.fake_docker import FakeDocker
from tests.support.fake_engine import FakeEngine, FakeNative


def _settings(**values: str) -> Settings:
    return read(values, {})


@pytest.mark.parametrize("wanted", ["auto", "docker"])
@pytest.mark.parametrize("run", [True, False])
def test_an_engine_that_answers_is_used(answering: str, wanted: str, run: bool) -> None:
    assert client.unreachable() == ""
    assert choose.choose(_settings(ENGINE=wanted), run=run) == "docker"


def test_native_does_not_ask_for_a_docker_engine(answering: str) -> None:
    assert choose.choose(_settings(ENGINE="native"), run=True) == "native"


def test_auto_uses_local_processes_if_no_engine_answers_and_says_so(
    none: str, fake: FakeDocker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert choose.choose(_settings(), run=True) == "native"
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"no engine answers at {none}" in said
    assert "local processes" in said


def test_auto_uses_local_processes_if_no_engine_is_installed(
    none: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert choose.choose(_settings(), run=True) == "native"
    assert "none is installed" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["docker.sock", "podman/podman.sock"])
def test_the_line_names_a_socket_of_rootless_docker_or_podman(
    none: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place))
    (place / name).parent.mkdir(exist_ok=True)
    (place / name).touch()
    choose.choose(_settings(), run=True)
    assert f"but there is {place}/{name}: DOCKER_HOST=unix://{place}/{name} uses it" in capsys.readouterr().err


def test_a_missing_docker_engine_is_never_replaced_silently(none: str) -> None:
    with pytest.raises(LabError, match=r"ENGINE=docker, but .*: start the engine, or use ENGINE=native"):
        choose.choose(_settings(ENGINE="docker"), run=True)


@pytest.mark.parametrize("wanted", ["auto", "docker"])
def test_an_engine_that_is_named_and_does_not_answer_is_an_error(named: str, wanted: str) -> None:
    line = "no Docker engine answers at .*none.sock: start it, correct DOCKER_HOST .*, or use ENGINE=native"
    with pytest.raises(LabError, match=line):
        choose.choose(_settings(ENGINE=wanted), run=True)


@pytest.mark.parametrize("wanted", ["auto", "docker"])
def test_permission_denied_stops_and_says_how_to_fix_it(refusing: str, wanted: str) -> None:
    with pytest.raises(LabError, match="permission denied on the Docker engine's socket") as error:
        choose.choose(_settings(ENGINE=wanted), run=True)
    assert refusing in str(error.value)
    assert "usermod -aG docker" in str(error.value)
    assert error.value.exit_code == 1


def test_a_loopback_target_runs_as_local_processes(answering: str, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = _settings(TARGET="tcp://localhost:9000")
    assert choose.choose(chosen, run=True) == "native"
    assert "tcp://localhost:9000 is on this machine's loopback" in capsys.readouterr().err
    assert choose.choose(chosen, run=False) == "docker"


def test_another_target_stays_in_containers(answering: str) -> None:
    assert choose.choose(_settings(TARGET="tcp://10.0.0.5:9000"), run=True) == "docker"


def test_local_processes_need_linux(none: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(UsageError, match="work on Linux only"):
        choose.choose(_settings(), run=True)


@pytest.mark.parametrize(
    ("verb", "native_up", "chosen", "given"),
    [
        ("up", True, "docker", "docker"),
        ("ci", True, "docker", "docker"),
        ("load", False, "native", "native"),
        ("down", True, "docker", "native"),
        ("logs", True, "docker", "native"),
        ("status", True, "docker", "native"),
        ("down", False, "docker", "docker"),
        ("clean", True, "docker", "docker"),
    ],
)
def test_the_engine_of_a_verb(
    monkeypatch: pytest.MonkeyPatch, verb: str, native_up: bool, chosen: str, given: str
) -> None:
    monkeypatch.setattr(choose, "NativeEngine", FakeNative)
    monkeypatch.setattr(choose, "DockerEngine", FakeEngine)
    monkeypatch.setattr(FakeNative, "up_already", native_up)
    monkeypatch.setattr(choose, "choose", lambda settings, run: chosen)
    assert choose.engine_for(verb, _settings()).name == given


def test_command_of_a_server_is_a_local_process(answering: str, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = _settings(SERVER_COMMAND="sleep 9")
    assert choose.choose(chosen, run=True) == "native"
    assert "SERVER_COMMAND='sleep 9' is a local process: so are master and workers." in capsys.readouterr().err
    assert choose.choose(chosen, run=False) == "docker"
    with pytest.raises(UsageError, match="is a local process, and ENGINE=docker runs containers: add SERVER_IMAGE or"):
        choose.choose(_settings(SERVER_COMMAND="sleep 9", ENGINE="docker"), run=True)


def test_command_of_an_image_is_for_its_container(answering: str) -> None:
    assert choose.choose(_settings(SERVER_COMMAND="sleep 9", SERVER_IMAGE="redis:7"), run=True) == "docker"
