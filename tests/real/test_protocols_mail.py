"""Mail: what we counted is what the server counted, to the message."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import imaplib

import pytest

from locustfiles.protocols.imap_idle import IdleUser
from locustfiles.protocols.imap_status import ImapUser
from locustfiles.protocols.pop3_visit import Pop3User
from locustfiles.protocols.smtp_mail import SmtpUser
from locustfiles.protocols.smtp_starttls import SmtpTlsUser
from tests.real.protocol_load import load
from tests.real.real_server import RealServer
from tests.support import certificates


def test_smtp_mail(exim: RealServer) -> None:
    rows = load(SmtpUser, exim.target, enough={"mail": 50})
    assert rows["mail"] == rows["DATA"] == rows["all of a mail"]
    assert exim.wait_for("received", rows["mail"])["received"] == rows["mail"]


def test_smtp_starttls(exim: RealServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLS_CA", certificates.authority().ca)
    rows = load(SmtpTlsUser, exim.target, enough={"QUIT": 20}, every=0.1)
    assert rows["connect"] == rows["tls"] == rows["STARTTLS"] == rows["mail"] == rows["QUIT"]
    assert exim.wait_for("encrypted", rows["mail"])["encrypted"] == rows["mail"]


def test_imap_status(dovecot: RealServer) -> None:
    rows = load(ImapUser, dovecot.target, enough={"STATUS": 100}, imap_password="secret")
    assert rows["LOGIN"] == rows["LOGOUT"] == 5
    assert dovecot.wait_for("logins", 5)["logins"] == 5


def test_imap_idle(dovecot: RealServer) -> None:
    rows = load(IdleUser, dovecot.target, 5, {"mail": 5, "push": 8}, imap_password="secret", every=0.3)
    with imaplib.IMAP4("127.0.0.1", dovecot.port) as client:
        client.login("shared", "secret")
        assert client.select()[1] == [b"%d" % rows["mail"]]
    assert rows["APPEND"] == rows["mail"]
    assert rows["SELECT"] == 5
    assert rows["IDLE"] - rows.get("DONE", 0) == 4


def test_pop3_visit(dovecot: RealServer) -> None:
    rows = load(Pop3User, f"tcp://127.0.0.1:{dovecot.admin_port}", enough={"QUIT": 30}, pop3_password="secret")
    assert rows["connect"] == rows["PASS"] == rows["QUIT"]
    assert dovecot.wait_for("logins", rows["PASS"])["logins"] == rows["PASS"]
