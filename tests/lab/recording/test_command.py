"""`lab record` and `lab import`, in this process: what is written, what is said, what is refused."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import dpkt
import pytest

from lab import folders
from lab.__main__ import main
from lab.conversation.compile import compiled
from lab.recording import command
from lab.recording.proxy import Proxy
from tests.support.captures import write_dialogue


class _Handler(socketserver.StreamRequestHandler):
    """Takes a login; answers OK to all else."""

    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(b"WELCOME\r\n" if line.startswith(b"LOGIN") else b"OK\r\n")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


@pytest.fixture
def target() -> Iterator[str]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"tcp://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(folders, "work", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[socket.socket], None]], None]:
    """Sets what the client does once the proxy listens."""
    run = Proxy.run  # as it is without the client of another recording

    def connect(talk: Callable[[socket.socket], None]) -> None:
        async def running(proxy: Proxy, listen: int, limit: int, ready: Callable[[int], None]) -> None:
            def connected(port: int) -> None:
                ready(port)
                threading.Thread(target=_talk, args=(port, talk), daemon=True).start()

            await run(proxy, listen, limit, connected)

        monkeypatch.setattr(Proxy, "run", running)

    return connect


def _talk(port: int, talk: Callable[[socket.socket], None]) -> None:
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        talk(connection)


def _ask(connection: socket.socket, *lines: str) -> None:
    for line in lines:
        connection.sendall(f"{line}\r\n".encode())
        assert connection.recv(100)


def test_record_and_again(
    work: Path,
    target: str,
    client: Callable[[Callable[[socket.socket], None]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    client(lambda connection: _ask(connection, "LOGIN anna s3cret", "GET one", "BYE"))
    assert main(["record", "mine", "--target", target, "--listen", "0", "--once"]) == 0
    path = work / "conversations/mine.yaml"
    assert 'send: "LOGIN anna {password}"' in path.read_text()
    client(lambda connection: _ask(connection, "LOGIN otto geh3im", "GET two", "BYE"))
    assert main(["record", "mine", "--again", "--listen", "0", "--once"]) == 0
    text = path.read_text()
    assert 'send: "LOGIN {name} {password}"' in text
    assert "# {name}: was anna, otto" in text
    assert 'send: "GET {user}"' in text
    assert path.with_suffix(".csv").read_text() == "password\n"  # kept: the user may have filled it
    written = [each.read_text() for each in work.rglob("*") if each.is_file()]
    assert not [each for each in written if "s3cret" in each or "geh3im" in each]
    said = capsys.readouterr().err
    assert f"Recording {target}: let the client connect to 127.0.0.1:" in said
    path.with_suffix(".csv").write_text("name,password\nanna,s3cret\n")
    assert compiled(path).plan.name


def test_keep_secrets(work: Path, target: str, client: Callable[[Callable[[socket.socket], None]], None]) -> None:
    client(lambda connection: _ask(connection, "LOGIN anna s3cret", "GET one"))
    flags = ["--target", target, "--listen", "0", "--connections", "1", "--keep-secrets"]
    assert main(["record", "mine", *flags]) == 0
    assert "LOGIN anna s3cret" in (work / "conversations/mine.yaml").read_text()


def test_import_of_two_captures(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / "a.pcap", tmp_path / "b.pcap"]
    for at, path in enumerate(paths):
        with path.open("wb") as file:
            write_dialogue(dpkt.pcap.Writer(file), 9000, begin=2000.0 + at)
    assert main(["import", *map(str, paths), "mine"]) == 0
    text = (work / "conversations/mine.yaml").read_text()
    assert "every: 250ms" in text
    assert 'send: "GET k{n}", expect: "value"' in text
    assert compiled(work / "conversations/mine.yaml").plan.name
    said = capsys.readouterr()
    assert f"{paths[0]}: 1 of 1 connections, those to port 9000" in said.err
    assert said.out == "wrote conversations/mine.yaml\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["record", "mine"], "no target: say which server the client talks with"),
        (["record", "mine", "--target", "127.0.0.1:1"], "it does not begin with tcp://"),
        (
            ["record", "mine", "--target", "tls://127.0.0.1:1", "--tls-ca", "missing.pem"],
            "TLS_CA=missing.pem: No such file",
        ),
        (["record", "mine", "--target", "tcp://127.0.0.1:1", "--framing", "lines"], "--framing:1:1: "),
        (["record", "mine", "--again"], "there is no recording of mine yet"),
        (["record", "..", "--target", "tcp://127.0.0.1:1"], "a name has letters"),
        (["import", "mine"], "give the capture and the name of the conversation"),
        (["import", "missing.pcap", "mine"], "missing.pcap: No such file or directory"),
    ],
)
def test_what_is_refused(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["record", "mine", "--listen", "99999"], "expected a port, 0 to 65535"),
        (["record", "mine", "--connections", "0"], "expected a number from 1"),
        (["record", "mine", "--lisen", "1"], "unrecognized arguments: --lisen"),
    ],
)
def test_flag_that_is_wrong(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_nothing_was_said(
    target: str, client: Callable[[Callable[[socket.socket], None]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    client(lambda connection: None)
    assert main(["record", "mine", "--target", target, "--listen", "0", "--once"]) == 2
    assert "no message was recorded" in capsys.readouterr().err


def test_target_that_is_not_reached(
    client: Callable[[Callable[[socket.socket], None]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    client(lambda connection: None)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        target = f"tcp://127.0.0.1:{closed.getsockname()[1]}"
    assert main(["record", "mine", "--target", target, "--listen", "0", "--once"]) == 2
    assert f"1 of 1 connections did not reach {target}: connection refused; check --target" in capsys.readouterr().err


def test_framing_that_is_given() -> None:
    assert repr(command.given_framing('{delimiter: "\\r\\n"}')).startswith("Delimiter(mark=b'\\r\\n'")


def test_http_host_becomes_that_of_the_target(
    work: Path, target: str, client: Callable[[Callable[[socket.socket], None]], None]
) -> None:
    def talk(connection: socket.socket) -> None:
        port = connection.getpeername()[1]
        connection.sendall(f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        assert connection.recv(100)

    client(talk)
    assert main(["record", "mine", "--target", target, "--listen", "0", "--once"]) == 0
    assert f"Host: {target.removeprefix('tcp://')}\\r\\n" in (work / "conversations/mine.yaml").read_text()
