"""Conversations against small servers that check each byte: what we counted is what they counted, to the message."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from pathlib import Path

from lab.settings import ROOT
from tests.meta.conftest import text
from tests.real.conversations.play import user_of
from tests.real.conversations.strict_servers import Amqp, Fix, Iso8583, Stomp, Xmpp
from tests.real.protocol_load import load
from tests.real.small_servers import Graphite, Mllp, Modbus, running
from tests.support.local_run import wait_until


def test_graphite() -> None:
    with running(Graphite) as server:
        rows = load(user_of("graphite"), server.target, enough={"second": 50})
        sent = rows["second"] + rows["messages"] + rows["worker"]
        wait_until(lambda: server.got["metric"] >= sent)
        assert server.got == {"metric": sent}


def test_mllp() -> None:
    with running(Mllp) as server:
        rows = load(user_of("mllp"), server.target, enough={"ADT": 100})
        assert server.got == {"message": rows["ADT"]}


def test_modbus() -> None:
    with running(Modbus) as server:
        rows = load(user_of("modbus"), server.target, enough={"write": 100})
        assert server.got == {"function 3": rows["read"], "function 6": rows["write"]}


def test_iso8583() -> None:
    with running(Iso8583) as server:
        rows = load(user_of("iso8583", beat=0.05), server.target, enough={"authorization": 100, "echo": 10})
        assert server.got == {"0800": rows["sign-on"] + rows["echo"], "0100": rows["authorization"]}


def test_fix() -> None:
    with running(Fix) as server:
        rows = load(user_of("fix", beat=0.05), server.target, enough={"test": 100, "heartbeat": 10})
        wait_until(lambda: server.got["5"] == 5)
        assert server.got == {"A": rows["logon"], "1": rows["test"], "0": rows["heartbeat"], "5": rows["logout"]}
        assert rows["push"] == rows["test"]


def test_stomp() -> None:
    with running(Stomp) as server:
        rows = load(user_of("stomp"), server.target, enough={"delivery": 100})
        assert rows["SEND"] == rows["push"] == rows["delivery"]
        assert server.got == {name: rows[name] for name in ("CONNECT", "SUBSCRIBE", "SEND", "DISCONNECT")}


def test_amqp() -> None:
    with running(Amqp) as server:
        rows = load(user_of("amqp"), server.target, enough={"channel close": 100})
        counted = {"10.11": "start-ok", "10.31": "tune-ok", "10.40": "open", "10.50": "close"}
        counted |= {"20.10": "channel open", "20.40": "channel close"}
        assert server.got == {kind: rows[name] for kind, name in counted.items()}


def test_xmpp() -> None:
    with running(Xmpp) as server:
        rows = load(user_of("xmpp"), server.target, enough={"close": 20})
        assert server.got == {"stream": rows["stream"], "close": rows["close"]}


def test_each_conversation_is_played() -> None:
    folder = Path(__file__).parent
    tests = "".join(text(folder / name) for name in ("test_real_servers.py", "test_small_servers.py"))
    played = {path.stem for path in (ROOT / "conversations").glob("*.yaml") if f"def test_{path.stem}(" in tests}
    assert played == {path.stem for path in (ROOT / "conversations").glob("*.yaml")}
