"""The examples of docs/sessions.md do what the page says, each against a server that speaks its protocol."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import itertools
import math
import random
import re
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, get_args

import pytest
from locust import constant, task

import rawsocket
from rawsocket.engine.tls.configuration import Tls
from rawsocket.measurement.recorder import RECORDER
from rawsocket.users.steps import Step
from rawsocket.worker.user_group import UserStopper
from tests.support import certificates
from tests.support.facades import echo, lines, serving, silent
from tests.support.local_run import Run, wait_until
from tests.support.pages import blocks, table
from tests.support.sessions import OPTIONS

pytestmark = pytest.mark.usefixtures("fresh_recorder", "long_timeouts")

PAGE = "docs/sessions.md"
CODE = {re.findall(r"^class (\w+)", code)[0]: code for code in blocks(PAGE, "python")}
NAMES = {name: getattr(rawsocket, name) for name in rawsocket.__all__}
GIVEN = {"constant": constant, "itertools": itertools, "make_token": lambda number: b"%d" % number, "math": math,
         "task": task, "time": time,
         "Tls": lambda ca, name: Tls(ca=certificates.authority().ca, name=name)}  # fmt: skip


def pings(sock: Any) -> None:
    sock.sendall(b"PING\n")
    for line in lines(sock):
        if line != b"PONG":
            sock.sendall(line + b"\n")


def ticks(sock: Any) -> None:
    sock.sendall(b"welcome\ntick\n")
    silent(sock)


def news(sock: Any) -> None:
    assert next(lines(sock)) == b"SUBSCRIBE news\r"
    sock.sendall(b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n")
    silent(sock)


def mail(sock: Any) -> None:
    sock.sendall(b"220 ready\r\n")
    for line in lines(sock):
        sock.sendall(b"250-me\r\n250 HELP\r\n" if line.startswith(b"EHLO") else b"250 OK\r\n")


def finger(sock: Any) -> None:
    next(lines(sock))
    sock.sendall(b"Login: root\r\nNo Plan.\r\n")
    sock.close()


def upgrades(sock: Any) -> None:
    stream = sock.makefile("rb")
    assert stream.readline().startswith(b"PROXY")
    assert stream.readline() == b"UPGRADE\n"
    sock.sendall(b"OK\n")
    frame = stream.read()  # to the end of the stream
    sock.sendall(frame)
    sock.close()


def secures(sock: Any) -> None:
    assert sock.recv(100) == b"STARTTLS\n"
    sock.sendall(b"220 go\n")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server())
    with context.wrap_socket(sock, server_side=True) as encrypted:
        echo(encrypted)


def reset(seen: list[bytes], sock: Any) -> None:
    try:
        while data := sock.recv(100):
            seen.append(data)
    except ConnectionResetError:
        seen.append(b"reset")


SEEN: list[bytes] = []
# By the class on the page: its server, and the rows that must have an event.
EXAMPLES: Mapping[str, tuple[Callable[[Any], None], str]] = {
    "Device": (silent, "reading"),
    "Subscriber": (pings, "push push-reply hello"),
    "News": (news, "push"),
    "Chat": (echo, "say delivery push"),
    "Listener": (ticks, "push tick alive"),
    "Beating": (echo, "ping hello"),
    "Numbered": (echo, "report"),
    "Mail": (mail, "greeting EHLO NOOP"),
    "Finger": (finger, "finger"),
    "Upgrading": (upgrades, "upgrade ping"),
    "Vanishing": (lambda sock: reset(SEEN, sock), "connect"),
    "Securing": (secures, "starttls tls hello"),
    "WithToken": (echo, "login"),
    "Leaving": (echo, "hello"),
    "LeavingTasks": (echo, "hello"),
    "Slow": (echo, "hello"),
}


def test_each_example_is_tested() -> None:
    assert list(CODE) == list(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_does_what_the_page_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "random", lambda: 0.001)  # the first slot comes almost at once
    server, rows = EXAMPLES[name]
    names: dict[str, Any] = {**NAMES, **GIVEN}
    exec(CODE[name], names)
    SEEN.clear()
    certificates.server()  # it exists before a session runs, which must not wait for a program
    with serving(server) as port:
        run = Run(names[name], f"tcp://127.0.0.1:{port}", users=1, **OPTIONS)
        UserStopper(run.runner)
        try:
            wait_until(lambda: all(run.row(row) for row in rows.split()) and _has_left(name))
        finally:
            run.runner.stop()
            run.runner.quit()
    assert run.errors == []
    assert RECORDER.failures == 0
    leaves = int("def goodbye" in CODE[name])
    assert (RECORDER.goodbyes_begun, RECORDER.goodbyes_said) == (leaves, leaves)


def _has_left(name: str) -> bool:
    return name != "Vanishing" or SEEN == [b"a message", b"reset"]


def test_each_step_is_in_the_table_with_its_arguments() -> None:
    _, body = table("docs/scenarios.md", "step", "what it does")
    calls = [cell.partition("(") for cell, _ in body if cell[0].isupper()]
    shown = {name: {*re.findall(r"\w+", arguments)} for name, _, arguments in calls}
    assert set(shown) == {step.__name__ for step in get_args(Step)}
    for step in get_args(Step):
        assert {*step.__slots__} <= shown[step.__name__]
