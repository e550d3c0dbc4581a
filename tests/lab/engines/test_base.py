"""What is the same for every engine, on parts that are made up. The contract suite runs the real ones."""

import socket
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import pytest

from lab import page_client, procfs
from lab.engines.base import Engine
from lab.engines.deployment import Deployment
from lab.engines.journal import Entry
from lab.engines.part import Part
from lab.errors import Interrupted, LabError, UsageError
from lab.settings import read
from tests.support.fake_engine import FakePart
from tests.support.ports import lab_ports


class FakeDeployment(Deployment):
    """Writes down the steps; `failing` raises at some of them, once."""

    def __init__(self, settings: Any, parts: Sequence[Part], failing: dict[str, BaseException]) -> None:
        super().__init__(settings)
        self.there = list(parts)
        self.failing = failing
        self.steps: list[str] = []

    def _step(self, name: str) -> None:
        self.steps.append(name)
        if error := self.failing.pop(name, None):
            raise error

    def parts(self) -> Sequence[Part]:
        return self.there

    def prepare(self) -> None:
        self._step("prepare")

    def start(self) -> None:
        self._step("start")

    def stop(self) -> None:
        self._step("stop")
        self.there = []

    def make_way(self) -> None:
        self._step("make way")

    def abandon(self) -> None:
        self._step("abandon")

    def collect(self, folder: Path) -> None:
        self._step("collect")

    def keep_logs(self) -> None:
        self._step("keep logs")

    def bring_home(self, runs: Path, known: Collection[str], *, end: bool = False) -> list[str]:
        self._step("end and bring home" if end else "bring home")
        return ["1-page"]


class FakeEngine(Engine):
    """An engine with one deployment for everything."""

    name = "fake"
    poll_s = 0.01

    def __init__(self, deployment: FakeDeployment, folder: Path) -> None:
        super().__init__(deployment.settings, folder / ".lab")
        self.deployment = deployment

    def lab(self) -> Deployment:
        return self.deployment

    def lab_of_run(self, name: str, folder: Path) -> Deployment:
        return self.deployment

    def clean(self) -> list[str]:
        return []


Make = Callable[..., FakeEngine]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Make:
    monkeypatch.setattr(page_client, "workers", lambda address: 2)

    def engine(*parts: Part, failing: dict[str, BaseException] | None = None, **settings: str) -> FakeEngine:
        ports = lab_ports()
        return FakeEngine(FakeDeployment(read({**ports, **settings}, {}), parts, failing or {}), tmp_path)

    return engine


def test_up_makes_way_prepares_starts_and_gives_the_address(make: Make) -> None:
    engine = make()
    assert engine.up() == f"http://127.0.0.1:{engine.settings['PAGE_PORT']}"
    assert engine.deployment.steps == ["make way", "prepare", "start"]


def test_local_processes_join_no_network_of_containers(make: Make) -> None:
    make().check()
    with pytest.raises(UsageError, match=r"^NETWORK=theirs is a network of containers, .*: omit it$"):
        make(NETWORK="theirs").check()


def test_setup_prepares_and_starts_nothing(make: Make) -> None:
    engine = make()
    engine.setup()
    assert engine.deployment.steps == ["prepare"]


def test_a_run_is_written_down_until_nothing_is_left_of_it(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(procfs, "gone", lambda marked: True)
    engine = make(FakePart("master", 0), failing={"start": LabError("no"), "stop": LabError("busy")})
    with pytest.raises(LabError, match="busy"):
        engine.run("one", lambda line: None, tmp_path / "artefacts")
    assert engine.journal.abandoned() == [Entry("one", tmp_path / "artefacts")]
    engine.deployment.steps.clear()
    assert engine.remove_abandoned() == ["one"]
    assert engine.deployment.steps == ["collect", "stop", "keep logs"]
    assert engine.remove_abandoned() == []


def test_an_abandoned_run_that_can_not_be_removed_is_one_line(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(procfs, "gone", lambda marked: True)
    engine = make(failing={"stop": LabError("busy")})
    engine.journal.begin("one", tmp_path)
    assert engine.remove_abandoned() == []
    assert capsys.readouterr().err == "one, whose lab was killed, could not be removed: busy\n"


def _run_under_way(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    monkeypatch.setattr(
        page_client, "state", lambda address: {"state": state, "users": 300, "held": 299, "address": address}
    )


@pytest.mark.parametrize("state", ["spawning", "running", "stopping"])
def test_up_does_not_end_a_run_that_is_under_way_unless_it_is_told(
    make: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], state: str
) -> None:
    _run_under_way(monkeypatch, state)
    engine = make(FakePart("master"))
    engine.record.write(read({"PAGE_PORT": "8091"}, {}))
    line = rf"^a run is under way at http://127.0.0.1:8091 \({state}, 300 users, 299 held\), .* add REPLACE=yes$"
    with pytest.raises(UsageError, match=line):
        engine.up()
    assert engine.deployment.steps == []
    replacing = make(FakePart("master"), REPLACE="yes")
    replacing.up()
    assert replacing.deployment.steps == ["end and bring home", "make way", "prepare", "start"]
    assert "Artefacts of a run from the page: runs/1-page/\n" in capsys.readouterr().err


def test_up_replaces_a_lab_without_a_run(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    _run_under_way(monkeypatch, "stopped")
    engine = make(FakePart("master"))
    engine.up()
    assert engine.deployment.steps[-1] == "start"


def test_ctrl_c_in_up_removes_what_it_has_started(make: Make) -> None:
    engine = make(failing={"start": Interrupted()})
    with pytest.raises(Interrupted):
        engine.up()
    assert engine.deployment.steps[-2:] == ["start", "stop"]
    assert engine.record.read() == {}


def test_status_shows_parts_and_runs(make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(page_client, "state", lambda address: None)
    engine = make(FakePart("server"), FakePart("master", 1))
    engine.journal.begin("one", tmp_path)
    assert engine.status()[1:] == ["server-1  running", "master-1  master-1 ended with 1", "one: a run is under way"]
    monkeypatch.setattr(procfs, "gone", lambda marked: True)
    assert engine.status()[-1].startswith("one: its lab was killed; `make down` removes what is left of it")


def test_up_that_fails_is_abandoned(make: Make) -> None:
    engine = make(failing={"start": LabError("no")})
    with pytest.raises(LabError, match="no"):
        engine.up()
    assert engine.deployment.steps[-2:] == ["start", "abandon"]


@pytest.mark.parametrize("name", ["PAGE_PORT", "SERVER_PORT"])
@pytest.mark.parametrize("own", [True, False])
def test_a_port_that_another_program_has_is_an_error_before_anything_is_prepared(
    make: Make, monkeypatch: pytest.MonkeyPatch, name: str, own: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        engine = make(**{name: str(port)})
        monkeypatch.setattr(engine.deployment, "published_ports", lambda: {port} if own else set())
        if own:
            engine.up()
        else:
            with pytest.raises(LabError, match=rf"port {port} on 127.0.0.1 is taken .*`make up {name}=\.\.\.`"):
                engine.up()
            assert engine.deployment.steps == ["make way"]


def test_the_wait_for_the_page_ends_when_a_part_fails(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_client, "workers", lambda address: -1)
    engine = make(FakePart("server", log="fine"), FakePart("master", 1), FakePart("worker", 1, "because"))
    with pytest.raises(LabError, match=r"^the page at http://127.0.0.1:\d+: master-1 ended with 1$") as error:
        engine.up()
    assert error.value.evidence == "because"


def test_the_wait_for_the_page_ends_with_the_line_of_a_part_that_refused_a_setting(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_client, "workers", lambda address: -1)
    with pytest.raises(UsageError, match=r"^worker: SOURCES=x: no$"):
        make(FakePart("worker", 2, "SOURCES=x: no\n")).up()


def test_settings_are_checked_for_some_roles_alone(make: Make) -> None:
    deployment = make(FakePart("server", 2, "holdfast server: --port 1: no\n")).deployment
    deployment.check_settings("worker")
    with pytest.raises(UsageError, match=r"^server: --port 1: no$"):
        deployment.check_settings()


THEIRS = {"SERVER_IMAGE": "redis:7"}


def test_server_of_the_user_that_has_ended_can_not_be_loaded(make: Make) -> None:
    deployment = make(FakePart("server", 2, "bind: no\n"), FakePart("worker")).deployment
    deployment.settings = read(THEIRS, {})
    with pytest.raises(LabError, match=r"^SERVER_IMAGE=redis:7 ended with exit code 2 before it could be") as error:
        deployment.check_start()
    assert (error.value.exit_code, error.value.evidence) == (1, "bind: no")
    with pytest.raises(LabError, match="ended with exit code 2"):
        deployment.failure()


def test_setting_that_the_master_refuses_comes_with_the_log_of_the_users_server(make: Make) -> None:
    deployment = make(FakePart("server", log="ready\n"), FakePart("master", 2, "it does not listen\n")).deployment
    deployment.settings = read(THEIRS, {})
    with pytest.raises(UsageError, match=r"^master: it does not listen$") as error:
        deployment.failure()
    assert error.value.evidence == "ready"
    assert deployment.server_log() == "ready\n"


def test_log_of_the_labs_own_server_is_no_evidence(make: Make) -> None:
    assert make(FakePart("server", log="ready\n")).deployment.server_log() == ""


def test_down_says_whether_a_lab_was_up(make: Make) -> None:
    engine = make(FakePart("server"))
    assert (engine.running(), engine.down()) == (True, True)
    assert (engine.running(), engine.down()) == (False, False)
    assert engine.deployment.steps == ["end and bring home", "stop", "stop"]


def test_runs_from_the_page_are_brought_home_with_their_logs(make: Make) -> None:
    engine = make(FakePart("server", log="hello"))
    engine.down()
    assert (engine.runs / "1-page/logs/server-1.log").read_text() == "hello"


def test_logs_are_those_of_the_parts(make: Make) -> None:
    assert make(FakePart("server", log="hello")).logs() == [("server-1", "hello")]


def test_a_run_gives_the_exit_code_collects_and_stops(make: Make, tmp_path: Path) -> None:
    engine, lines = make(FakePart("master", 3, "one\ntwo")), []
    assert engine.run("x", lines.append, tmp_path) == 3
    assert lines == ["one", "two"]
    assert engine.deployment.steps == ["prepare", "start", "collect", "stop", "keep logs"]


@pytest.mark.parametrize("step", ["start", "collect"])
def test_a_run_that_fails_is_collected_and_stopped(make: Make, tmp_path: Path, step: str) -> None:
    engine = make(FakePart("master", 0), failing={step: LabError("no")})
    with pytest.raises(LabError, match="no"):
        engine.run("x", print, tmp_path)
    assert engine.deployment.steps[-3:] == ["collect", "stop", "keep logs"]


def test_an_interrupt_does_not_cut_the_clean_up_short(make: Make, tmp_path: Path) -> None:
    engine = make(FakePart("master", 0), failing={"stop": Interrupted()})
    with pytest.raises(Interrupted):
        engine.run("x", print, tmp_path)
    assert engine.deployment.steps[-2:] == ["stop", "stop"]


def test_a_lab_that_can_not_be_prepared_is_not_started(make: Make, tmp_path: Path) -> None:
    engine = make(failing={"prepare": LabError("no space left")})
    with pytest.raises(LabError, match="no space left"):
        engine.run("x", print, tmp_path)
    assert engine.deployment.steps == ["prepare"]
