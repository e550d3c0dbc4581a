"""What is recorded between a client and a real server passes the check against that server."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from lab.conversation.compile import compiled
from lab.recording.proxy import ALL, Proxy
from lab.recording.script.build import compose
from lab.recording.script.yaml_text import conversation
from lab.recording.traffic import Traffic
from rawsocket.check.player import check
from rawsocket.conversation.plan import Plan
from rawsocket.conversation.user import user_class
from tests.real.real_server import RealServer
from tests.real.small_servers import Graphite, Mllp, Modbus, running
from tests.support import recording_clients as clients
from tests.support.checks import environment


def _recorded(target: str, client: Callable[[int], None]) -> str:
    """The conversation between a client and a server."""
    port = int(target.rpartition(":")[2])
    proxy = Proxy("127.0.0.1", port)

    def ready(listening: int) -> None:
        threading.Thread(target=client, args=(listening,), daemon=True).start()

    asyncio.run(proxy.run(0, ALL, ready))
    return conversation(compose(Traffic(target, tuple(each.recorded() for each in proxy.connections))), "recorded")


def _checked(target: str, client: Callable[[int], None], folder: Path, columns: str = "") -> tuple[str, Plan]:
    """Record a client, check what was written; return the text and the plan."""
    text = _recorded(target, client)
    path = folder / "recorded.yaml"
    path.write_text(text)
    (folder / "recorded.csv").write_text(columns)
    plan = compiled(path).plan
    made = user_class(plan)
    found = check(made, environment(target, made), "recorded")
    assert found.failure is None, f"{text}\n{found}"
    return text, plan


def _names(plan: Plan) -> list[str]:
    return [step.name for step in (*plan.connect, *plan.steps, *plan.goodbye) if step.name]


def test_redis(redis: RealServer, tmp_path: Path) -> None:
    text, plan = _checked(redis.target, clients.redis, tmp_path)
    assert _names(plan) == ["SELECT", "SET", "GET", "INCR"]
    assert [step.name for step in plan.connect if step.kind != "wait"] == [
        "SELECT"
    ]  # a pause where the machine was busy
    assert "{user:06}" in text


def test_redis_by_hand(redis: RealServer, tmp_path: Path) -> None:
    text, plan = _checked(redis.target, clients.redis_lines, tmp_path)
    assert _names(plan) == ["SET", "GET", "QUIT"]
    assert 'then: {bytes: "{len}+2"}' in text
    assert [step.name for step in plan.goodbye] == ["QUIT"]


def test_memcached(memcached: RealServer, tmp_path: Path) -> None:
    text, plan = _checked(memcached.target, clients.memcached, tmp_path)
    assert _names(plan) == ["set", "get", "quit"]
    assert '{send: "get key{user}", until: "END"}' in text


def test_smtp(exim: RealServer, tmp_path: Path) -> None:
    text, plan = _checked(exim.target, clients.smtp, tmp_path)
    assert _names(plan) == ["greeting", "ehlo", "mail", "rcpt", "data", "Subject", "QUIT"]
    assert 'expect: {prefix: "250 OK id="}' in text
    assert exim.wait_for("received", 2)


def test_mqtt(mosquitto: RealServer, tmp_path: Path) -> None:
    text, plan = _checked(mosquitto.target, clients.mqtt, tmp_path)
    assert _names(plan) == ["CONNECT", "PUBLISH", "PINGREQ", "DISCONNECT"]
    assert "framing: {varint: {at: 1}}" in text
    assert "{length:varint}" in text


def test_postgresql(postgresql: RealServer, tmp_path: Path) -> None:
    text, plan = _checked(postgresql.target, clients.postgresql, tmp_path)
    assert _names(plan) == ["startup", "SELECT", "SELECT", "Terminate"]
    assert "receive: {length: {at: 1, size: 4, adjust: -4}}" in text


def test_irc(ngircd: RealServer, tmp_path: Path) -> None:
    text, plan = _checked(ngircd.target, clients.irc, tmp_path)
    assert _names(plan) == ["NICK", "JOIN", "PRIVMSG", "QUIT"]
    assert 'send: "PRIVMSG #room :message {n}", reply: no' in text


def test_http(nginx: RealServer, tmp_path: Path) -> None:
    text, plan = _checked(nginx.target, clients.http_keep_alive, tmp_path, "authorization\ns3cret\n")
    assert _names(plan) == ["GET /page"]
    assert "s3cret" not in text


def test_modbus(tmp_path: Path) -> None:
    with running(Modbus) as server:
        text, plan = _checked(server.target, clients.modbus, tmp_path)
    assert _names(plan) == ["function 3", "function 6"]
    assert "framing: {length: {at: 4, size: 2}}" in text


def test_mllp(tmp_path: Path) -> None:
    with running(Mllp) as server:
        text, plan = _checked(server.target, clients.mllp, tmp_path)
    assert _names(plan) == ["MSH"]
    assert "{time:%Y%m%d%H%M%S}" in text


def test_graphite(tmp_path: Path) -> None:
    with running(Graphite) as server:
        text, plan = _checked(server.target, clients.graphite, tmp_path)
    assert _names(plan) == ["load"]
    assert '{send: "load.cpu {n} {time}", reply: no}' in text
