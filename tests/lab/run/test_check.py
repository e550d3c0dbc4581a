"""`lab check`: a process that plays, and what is shown of it."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import lab.__main__ as command
from lab import folders
from lab.run import check

FILE = """\
framing: {delimiter: "\\r\\n"}
target: %s
timeout: 5s
steps:
  - {send: "PING", expect: "+PONG"}
"""


@pytest.fixture
def server() -> Iterator[str]:
    """A server that answers a connection with +PONG for each PING."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    while data := peer.recv(1000):
                        peer.sendall(b"+PONG\r\n" * data.count(b"PING\r\n"))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder."""
    monkeypatch.setattr(folders, "work", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conversations").mkdir()
    return tmp_path


def test_conversation_that_fits(work: Path, server: str, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "conversations/mine.yaml").write_text(FILE % server)
    assert command.main(["check", "mine"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f'mine against {server}, framing {{delimiter: "\\r\\n"}}\n')
    assert "send `PING`  conversations/mine.yaml:5\n" in out
    assert "            50 49 4e 47 0d 0a                                PING..\n" in out
    assert "mine: the server replied as expected (1 message sent, 1 received, " in out
    assert err == f"One connection plays mine once against {server} ...\n"


def test_server_that_does_something_else(work: Path, server: str, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "conversations/mine.yaml").write_text((FILE % server).replace("+PONG", "+OK"))
    assert command.main(["check", "mine"]) == 3
    assert (
        "FAILED at conversations/mine.yaml:5: send `PING`: wrong: b'+PONG' instead of\n"
        "  b'+OK'\n"
        '  expected: exactly "+OK"\n'
        '  arrived:  "+PONG\\r\\n"\n'
    ) in capsys.readouterr().out


def test_nothing_listens(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        target = f"tcp://127.0.0.1:{bound.getsockname()[1]}"
        (work / "conversations/mine.yaml").write_text(FILE % target)
        assert command.main(["check", "mine"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].endswith(
        f"check: TARGET={target}: nothing listens there (connection refused); check the address, "
        "or give WAIT=30s if it is still starting"
    )


def test_server_that_the_lab_would_start_is_not_there_to_be_checked(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["check", "hold", "--server-image", "redis:7", "--server-port", "4711"]) == 2
    err = capsys.readouterr().err
    assert "SERVER_IMAGE=redis:7 is started by up, load and ci, and a check needs a server that runs: after" in err
    assert err.endswith("give TARGET=tcp://127.0.0.1:4711 alone\n")


def test_no_target_says_what_to_give(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["check", "hold"]) == 2
    assert capsys.readouterr().err.endswith(
        "check: hold names no target, and the lab's own server is not checked: say which server to play it against, "
        "as in TARGET=tcp://127.0.0.1:9000 (in a conversation: target: tcp://127.0.0.1:9000)\n"
    )


def test_network_of_containers_is_out_of_reach(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["check", "hold", "--target", "tcp://a:1", "--network", "mine"]) == 2
    assert "NETWORK=mine is out of this machine's reach" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (["check", "mine"], ["check", "--scenario", "mine"]),
        (["check", "mine", "--verbose", "yes"], ["check", "--scenario", "mine", "--verbose", "yes"]),
        (["check", "--scenario", "mine"], ["check", "--scenario", "mine"]),
        (["check"], ["check"]),
        (["load", "mine"], ["load", "mine"]),
    ],
)
def test_name_behind_the_command(given: list[str], read: list[str]) -> None:
    assert list(check.words(given)) == read
