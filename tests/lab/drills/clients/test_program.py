"""The extra clients as a program, against the lab's own server."""

import base64
import json
import socket
import subprocess
import sys
from typing import Any

import pytest

from lab.drills.clients import extra, program
from tests.support import echo


def _started(what: str, port: int, **more: Any) -> "subprocess.Popen[bytes]":
    message = base64.b64encode(b"x" * 8000 + b"\n").decode()
    asked = {"what": what, "host": "127.0.0.1", "port": port, "tls": False, "count": 3, "message": message}
    asked |= {"timeout": 5.0, "lasts": 60.0, "between": 0.0, **more}
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", extra.PROGRAM.read_text(), json.dumps(asked)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    assert process.stdout
    assert json.loads(process.stdout.readline()) == {"ready": True}
    return process


def _figures(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(process.communicate()[0])
    assert process.returncode == 0
    return found


@pytest.fixture(scope="module")
def server() -> Any:
    with echo.lab_server("--model", "select", "--app", "echo", "--max-message", "10000") as (_, port):
        yield port


def test_slow_reader_asks_for_much_and_reads_little(server: int) -> None:
    found = _figures(_started(program.READ_SLOWLY, server))
    assert (found["opened"], found["closed"], found["failed"]) == (3, 0, {})
    assert found["sent"] >= found["messages"] * 8001 > 0
    assert found["received"] * 100 < found["sent"]


def test_slow_writer_never_ends_its_message(server: int) -> None:
    found = _figures(_started(program.WRITE_SLOWLY, server))
    assert (found["opened"], found["closed"], found["messages"], found["received"]) == (3, 0, 0, 0)
    assert found["sent"] >= 3


def test_garbage_is_answered_by_an_error(server: int) -> None:
    found = _figures(_started(program.GARBAGE, server))
    assert found["opened"] == found["rejected"] >= 3
    assert found["sent"] > 10000


def test_garbage_that_nobody_answers_is_not_rejected() -> None:
    with echo.running("silent") as (_, port):
        found = _figures(_started(program.GARBAGE, port, timeout=0.2))
    assert (found["opened"], found["rejected"]) == (3, 0)


def test_slow_writer_that_is_closed_is_counted() -> None:
    with echo.running("close_when_spoken_to") as (_, port):
        process = _started(program.WRITE_SLOWLY, port)
        process.wait(30)  # it ends once nobody is left
        found = _figures(process)
    assert (found["opened"], found["closed"]) == (3, 3)


def test_connect_that_fails_is_counted_by_its_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    found = _figures(_started(program.ARRIVE, port))
    assert (found["opened"], found["failed"]) == (0, {"refused": 3})


def test_arrivals_stay_until_the_end_and_say_how_long_they_took(server: int) -> None:
    found = _figures(_started(program.ARRIVE, server))
    assert (found["opened"], len(found["times"]), found["closed"]) == (3, 3, 0)


def test_arrivals_that_are_refused_leave() -> None:
    with echo.running("full") as (_, port):
        refused = _started(program.ARRIVE, port)
        refused.wait(30)
        found = _figures(refused)
    assert (found["served"], found["rejected"]) == (0, 3)


def test_program_ends_by_itself_when_the_lab_hangs(server: int) -> None:
    process = _started(program.WRITE_SLOWLY, server, lasts=0.1)
    assert process.wait(30) == 0
    process.communicate()
