"""The web, names, logs and devices: what we counted is what the server counted, to the message."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from locustfiles.protocols.dns_over_tcp import DnsUser
from locustfiles.protocols.graphite_metrics import GraphiteUser
from locustfiles.protocols.http_keep_alive import HttpUser
from locustfiles.protocols.mllp_messages import MllpUser
from locustfiles.protocols.modbus_tcp import ModbusUser
from locustfiles.protocols.syslog_messages import SyslogUser
from locustfiles.protocols.websocket_echo import WebSocketUser
from tests.real.protocol_load import load
from tests.real.real_server import RealServer
from tests.real.small_servers import Graphite, Mllp, Modbus, WebSocket, running
from tests.support.local_run import wait_until


def test_http_keep_alive(nginx: RealServer) -> None:
    rows = load(HttpUser, nginx.target, enough={"GET": 100}, http_path="/")
    counted = nginx.growth()
    assert rows["GET"] == counted["requests"] - 1  # the request for the counters counts as well
    assert rows["connect"] == counted["accepts"] - 1 == 5


def test_dns_over_tcp(dnsmasq: RealServer) -> None:
    # It closes a connection after 100 queries, so no user may come near that.
    rows = load(DnsUser, dnsmasq.target, enough={"query": 100}, dns_name="www.example.test", every=0.1)
    assert dnsmasq.wait_for("queries", rows["query"])["queries"] == rows["query"]


def test_syslog_messages(rsyslog: RealServer) -> None:
    rows = load(SyslogUser, rsyslog.target, enough={"line": 500})
    assert rsyslog.wait_for("messages", rows["line"])["messages"] == rows["line"]


def test_graphite_metrics() -> None:
    with running(Graphite) as server:
        rows = load(GraphiteUser, server.target, enough={"metric": 100})
        wait_until(lambda: server.got["metric"] >= rows["metric"])
        assert server.got == {"metric": rows["metric"]}


def test_modbus_tcp() -> None:
    with running(Modbus) as server:
        rows = load(ModbusUser, server.target, enough={"write": 100}, modbus_unit=1)
        assert server.got == {"function 3": rows["read"], "function 6": rows["write"]}


def test_mllp_messages() -> None:
    with running(Mllp) as server:
        rows = load(MllpUser, server.target, enough={"ADT": 100})
        assert server.got == {"message": rows["ADT"]}


def test_websocket_echo() -> None:
    with running(WebSocket) as server:
        rows = load(WebSocketUser, server.target, enough={"text": 100})
        wait_until(lambda: server.got["close"] >= 5)
        assert server.got == {"text": rows["text"], "pong": rows["push"], "close": rows["close"]}
