import base64
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lab import page_client


class _Page(BaseHTTPRequestHandler):
    answers: tuple[int, bytes] = (200, b"")

    def do_GET(self) -> None:
        code, body = self.answers
        self.send_response(code)
        self.end_headers()
        self.wfile.write(body if self.path == "/lab/state.json" else b"another path")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_reads_the_state_and_counts_workers(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    state = {"state": "ready", "held": 0, "workers": [{"id": "a"}, {"id": "b"}]}
    monkeypatch.setattr(_Page, "answers", (200, json.dumps(state).encode()))
    assert page_client.state(address) == state
    assert page_client.workers(address) == 2


@pytest.mark.parametrize("answer", [(500, b"{}"), (200, b"<html>"), (404, b"")])
def test_an_answer_that_is_no_json_gives_no_state(
    address: str, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, bytes]
) -> None:
    monkeypatch.setattr(_Page, "answers", answer)
    assert page_client.state(address) is None
    assert page_client.workers(address) == -1


def test_a_proxy_of_the_environment_is_not_asked(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Page, "answers", (200, b'{"workers": []}'))
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{page_client.free_port()}")
    assert page_client.workers(address) == 0


def test_a_page_that_is_not_there_gives_no_state() -> None:
    assert page_client.state(f"http://127.0.0.1:{page_client.free_port()}") is None


def test_a_peer_without_http_gives_no_state() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.sendall(b"Hello from server!\n")

        threading.Thread(target=greet, daemon=True).start()
        assert page_client.state(f"http://127.0.0.1:{listener.getsockname()[1]}") is None


def test_a_port_is_taken_while_a_program_listens_on_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert page_client.taken(port)
    assert not page_client.taken(port)


def test_a_listener_on_all_addresses_takes_the_port() -> None:
    with socket.create_server(("", 0)) as listener:
        assert page_client.taken(listener.getsockname()[1])


def test_a_port_that_needs_root_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forbidden(socket.socket):
        def bind(self, address: object) -> None:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(page_client.socket, "socket", Forbidden)
    assert not page_client.taken(80)


def test_a_port_left_in_time_wait_is_not_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port), timeout=30)
        peer, _ = listener.accept()
        peer.close()  # the server's side closes first: TIME_WAIT is on its port
        assert client.recv(1) == b""
        client.close()
    assert not page_client.taken(port)


def test_free_ports_are_different_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_client, "_BELOW_EPHEMERAL", range(20_000, 20_400))
    assert all(len(set(page_client.free_ports(4))) == 4 for _ in range(50))


def test_a_free_port_can_be_bound() -> None:
    socket.create_server(("127.0.0.1", page_client.free_port())).close()


def test_port_that_something_listens_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert page_client.listens(port)
    assert not page_client.listens(port)


def test_login_goes_with_the_question_where_the_page_has_one(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []
    answer = _Page.do_GET

    def noted(self: _Page) -> None:
        asked.append(self.headers["Authorization"])
        answer(self)

    monkeypatch.setattr(_Page, "do_GET", noted)
    monkeypatch.setattr(_Page, "answers", (200, b"{}"))
    monkeypatch.delenv("PAGE_PASSWORD", raising=False)
    page_client.state(address)
    monkeypatch.setenv("PAGE_PASSWORD", "twelve chars")
    page_client.state(address)
    assert asked == [None, f"Basic {base64.b64encode(b'holdfast:twelve chars').decode()}"]
