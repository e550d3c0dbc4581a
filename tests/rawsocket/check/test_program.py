"""`python -m rawsocket check`, in the process of the test; as a process of its own: tests/lab/run/test_check.py."""

import json
import socket
from pathlib import Path

import pytest

from rawsocket.check import program
from rawsocket.check.dialogue import Dialogue
from rawsocket.settings.plan import Plan, UsageError
from tests.support.checks import answering, serving

SCENARIO = '''
from rawsocket import Connect, Line, RawSocketUser, Request, SessionUser


class First(SessionUser):
    framing = Line()

    def session(self):
        yield Connect()
        yield Request(b"PING", expect=b"+PONG")


class Second(First):
    def session(self):
        yield Connect()
        yield Request(b"PING", expect=b"+WRONG")


class Third(First):
    """Not played: the second one fails."""
'''
SERVE = answering({b"PING\n": b"+PONG\n"})


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    file = tmp_path / "checked_scenario.py"
    file.write_text(SCENARIO)
    return str(file)


def test_classes_are_played_until_one_fails(scenario: str, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(SERVE) as url:
        assert program.run(Plan(scenario="mine", target=url), scenario) == 3
    out = capsys.readouterr().out
    assert out.count(f"mine against {url}, framing line\n") == 2
    assert "mine: the server replied as expected (1 message sent, 1 received" in out
    assert '  expected: exactly "+WRONG"\n  arrived:  "+PONG\\n"\n' in out


def test_dialogues_as_lines_of_json(scenario: str, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(SERVE) as url:
        assert program.run(Plan(scenario="mine", target=url, progress="json"), scenario) == 3
    found = [Dialogue.read(json.loads(line)["check"]) for line in capsys.readouterr().out.splitlines()]
    assert [dialogue.exit_code for dialogue in found] == [0, 3]


def test_nothing_listens(scenario: str) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        target = f"tcp://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(UsageError, match=rf"TARGET={target}: nothing listens there .*; check the address, or give"):
            program.run(Plan(scenario="mine", target=target), scenario)


def test_scenario_without_sessions(tmp_path: Path) -> None:
    file = tmp_path / "tasks_scenario.py"
    file.write_text("from rawsocket import RawSocketUser\nclass A(RawSocketUser):\n    pass\n")
    with pytest.raises(UsageError, match="has no sessions: a check plays a conversation or a SessionUser"):
        program.run(Plan(scenario="mine", target="tcp://127.0.0.1:1"), str(file))
