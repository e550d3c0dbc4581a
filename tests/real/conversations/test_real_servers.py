"""Conversations against real servers: what we counted is what the server counted, to the message."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from rawsocket.measurement.locust_stats import BATCH
from tests.real.conversations.play import user_of
from tests.real.protocol_load import load
from tests.real.real_server import RealServer


def test_redis(redis: RealServer) -> None:
    rows = load(user_of("redis", beat=0.05), redis.target, enough={"get": 100, "heartbeat": 20})
    counted = redis.wait_for("cmdstat_quit", rows["QUIT"])
    assert (rows["set"], rows["get"]) == (counted["cmdstat_set"], counted["cmdstat_get"])
    assert counted["keyspace_hits"] == rows["get"]
    assert rows["CLIENT"] == rows["QUIT"] == 5


def test_memcached_text(memcached: RealServer) -> None:
    rows = load(user_of("memcached_text"), memcached.target, enough={"get": 100})
    counted = memcached.growth()
    assert rows["set"] + rows["set noreply"] == counted["cmd_set"]
    assert rows["get"] == counted["cmd_get"] == counted["get_hits"]


def test_memcached_binary(memcached: RealServer) -> None:
    rows = load(user_of("memcached_binary"), memcached.target, enough={"get": 200, "noop": 200})
    counted = memcached.growth()
    assert rows["set"] == counted["cmd_set"] == 5
    assert rows["get"] == counted["cmd_get"] == counted["get_hits"]


def test_postgresql(postgresql: RealServer) -> None:
    rows = load(user_of("postgresql"), postgresql.target, enough={"query": 100})
    assert rows["login"] == rows["terminate"] == 5
    assert postgresql.wait_for("xact_commit", rows["query"])["sessions"] >= 5


def test_smtp(exim: RealServer) -> None:
    rows = load(user_of("smtp"), exim.target, enough={"mail": 50})
    assert rows["mail"] == rows["DATA"] == rows["RCPT"] == rows["MAIL"]
    assert exim.wait_for("received", rows["mail"])["received"] == rows["mail"]


def test_pop3(dovecot: RealServer) -> None:
    rows = load(user_of("pop3"), f"tcp://127.0.0.1:{dovecot.admin_port}", enough={"QUIT": 20})
    assert rows["connect"] == rows["PASS"] == rows["LIST"] == rows["QUIT"]
    assert dovecot.wait_for("logins", rows["PASS"])["logins"] == rows["PASS"]


def test_imap(dovecot: RealServer) -> None:
    rows = load(user_of("imap"), dovecot.target, enough={"STATUS": 50})
    assert rows["LOGIN"] == rows["LOGOUT"] == 5
    assert dovecot.wait_for("logins", 5)["logins"] == 5


def test_ftp(vsftpd: RealServer) -> None:
    rows = load(user_of("ftp", beat=0.05), vsftpd.target, enough={"FEAT": 50})
    counted = vsftpd.wait_for("QUIT", rows["QUIT"])
    assert {name: counted[name] for name in ("PASS", "CWD", "PWD", "FEAT", "QUIT")} == {
        name: rows[name] for name in ("PASS", "CWD", "PWD", "FEAT", "QUIT")
    }


def test_irc(ngircd: RealServer) -> None:
    rows = load(user_of("irc"), ngircd.target, 5, {"PRIVMSG": 20, "push": 80}, every=0.2)
    counted = ngircd.wait_for("QUIT", rows["QUIT"])
    assert (rows["PRIVMSG"], rows["JOIN"], rows["QUIT"]) == (counted["PRIVMSG"], counted["JOIN"], counted["QUIT"])


def test_nats(nats: RealServer) -> None:
    rows = load(user_of("nats", beat=0.1), nats.target, enough={"delivery": 100, "heartbeat": 5})
    counted = nats.growth()
    assert rows["PUB"] == counted["in_msgs"] == counted["out_msgs"] == rows["delivery"]


def test_mqtt(mosquitto: RealServer) -> None:
    def pinged() -> bool:
        return BATCH["ping"].requests >= 10

    rows = load(user_of("mqtt", beat=0.1), mosquitto.target, 5, {"delivery": 100}, pinged)
    published = "broker/publish/messages/received"
    assert mosquitto.wait_for(published, rows["PUBLISH"])[published] == rows["PUBLISH"]
    assert rows["PUBLISH"] == rows["push"] == rows["delivery"]


def test_syslog(rsyslog: RealServer) -> None:
    rows = load(user_of("syslog"), rsyslog.target, enough={"message": 200})
    written = rows["message"] + rows["error"]
    assert rsyslog.wait_for("messages", written)["messages"] == written
    lines = (rsyslog.folder / "messages").read_text().splitlines()
    assert sum(line.endswith(" error - disk full") for line in lines) >= rows["error"]


def test_xmpp(prosody: RealServer) -> None:
    rows = load(user_of("xmpp"), prosody.target, enough={"close": 20})
    assert rows["connect"] == rows["stream"] == rows["close"]
    assert prosody.wait_for("streams", rows["stream"])["streams"] == rows["stream"]
