import json
from pathlib import Path

import pytest

import lab.__main__ as command
from lab import verbs
from lab.errors import LabError
from tests.support.fake_engine import FakeEngine, FakeNative


@pytest.mark.parametrize("verb", ["up", "load", "ci"])
def test_a_target_is_printed_first(engine: FakeEngine, capsys: pytest.CaptureFixture[str], verb: str) -> None:
    command.main([verb, "--target", "tcp://10.0.0.5:9000"])
    assert capsys.readouterr().err.startswith("Target: tcp://10.0.0.5:9000 (the lab's own server is not started)\n")


@pytest.mark.parametrize(
    ("verb", "already", "out"),
    [
        ("up", False, "The lab is up (docker): http://127.0.0.1:8089\n"),
        ("down", True, "The lab is down.\n"),
        ("down", False, "No lab was up.\n"),
        ("status", True, "server running\n"),
        ("status", False, "Nothing runs.\n"),
        ("logs", True, "server | one\nserver | two\n"),
        ("clean", False, "removed container server\n"),
        ("setup", False, ""),
    ],
)
def test_the_result_of_each_verb(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], verb: str, already: bool, out: str
) -> None:
    engine.up_already = already
    assert command.main([verb]) == 0
    assert capsys.readouterr().out == out


@pytest.mark.parametrize(("target", "said"), [("", True), ("tcp://10.0.0.5:9000", False)])
def test_up_says_where_the_server_is(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], target: str, said: bool
) -> None:
    command.main(["up", "--server-port", "4711", "--target", target])
    err = capsys.readouterr().err
    assert ("127.0.0.1:4711; try: nc 127.0.0.1 4711," in err) is said
    files = "The files of runs from the page go to runs/; `make status` and `make down` fetch them from the containers"
    assert " ".join(err.split()).endswith(files)
    assert max(map(len, err.splitlines())) <= 79


def test_up_says_that_runs_from_the_page_have_no_drill(engine: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["up", "--drill", "server-frozen"]) == 0
    assert "DRILL=server-frozen is for load and ci: runs from the page have no drill" in capsys.readouterr().err


def test_up_of_local_processes_says_how_to_scrape_them(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(engine), "name", verbs.NativeEngine.name)
    assert command.main(["up", "--watch", "yes"]) == 0
    assert "of your own, scrape http://127.0.0.1:8089/metrics; the dashboard is lab/watch/" in capsys.readouterr().err


def test_logs_without_a_lab_point_to_those_of_the_last_run(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    engine.logged = ()
    assert command.main(["logs"]) == 0
    assert capsys.readouterr() == ("", "No lab is up. No run has left logs.\n")
    (tmp_path / "runs/latest/logs").mkdir(parents=True)
    command.main(["logs"])
    assert capsys.readouterr().err == "No lab is up. The logs of the last run are in runs/latest/logs/.\n"


@pytest.mark.parametrize("verb", ["up", "down", "status"])
def test_runs_from_the_page_that_were_brought_home_are_finished_and_listed(
    engine: FakeEngine, tmp_path: Path, verb: str
) -> None:
    engine.runs, engine.brought_home = tmp_path / "runs", ["20261127T232057Z-page"]
    (engine.runs / engine.brought_home[0]).mkdir(parents=True)
    environment = engine.runs / engine.brought_home[0] / "env.json"
    environment.write_text('{"settings": {"users": 7}}')
    engine.given, engine.about = {"MODEL": "epoll"}, {"images": {"server": "sha256:1"}}
    command.main([verb])
    host = json.loads(environment.read_text())["host"]
    assert (host["repeat"], host["images"]) == ("make load MODEL=epoll USERS=7", {"server": "sha256:1"})
    assert '"engine": "docker"' in (engine.runs / engine.brought_home[0] / "env.json").read_text()
    assert engine.brought_home[0] in (engine.runs / "index.html").read_text()


class _Refusing(FakeEngine):
    def clean(self) -> list[str]:
        raise LabError("permission denied")


@pytest.mark.parametrize("refused", ["chosen", "asked"])
def test_clean_removes_what_it_can_and_says_what_it_could_not(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], refused: str
) -> None:
    def choose(verb: str, chosen: object) -> FakeEngine:
        if refused == "chosen":
            raise LabError("permission denied")
        return _Refusing()

    monkeypatch.setattr(FakeNative, "clean", lambda self: ["processes"])
    monkeypatch.setattr(verbs, "engine_for", choose)
    assert command.main(["clean"]) == 1
    assert capsys.readouterr() == (
        "removed processes\n",
        "lab clean: containers, networks, volumes and images may be left: permission denied\n",
    )


def test_status_shows_local_processes_as_well(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.up_already = True
    monkeypatch.setattr(FakeNative, "status", lambda self: ["one: its lab was killed"])
    command.main(["status"])
    assert capsys.readouterr().out == "one: its lab was killed\nserver running\n"


def test_clean_stops_local_processes_as_well(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(FakeNative, "clean", lambda self: ["processes"])
    command.main(["clean"])
    assert capsys.readouterr().out == "removed processes\nremoved container server\n"


@pytest.mark.parametrize("verb", ["up", "load"])
def test_server_of_the_users_own_is_printed_first(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    command.main([verb, "--server-image", "redis:7", "--server-port", "4711"])
    err = capsys.readouterr().err
    assert err.startswith("Server: SERVER_IMAGE=redis:7 (the lab's own server is not started)\n")
    assert ("Your server is at 127.0.0.1:4711\n" in err) is (verb == "up")
