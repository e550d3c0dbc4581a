"""Secrets are found in every protocol that has them, and nowhere else."""

import base64

import pytest

from lab.recording.messages.dialogue import Exchange
from lab.recording.messages.secrets import MARK, find, hidden


def _found(*messages: bytes | tuple[bytes, bytes]) -> list[bytes]:
    """The secrets in messages; a pair has a reply as well."""
    pairs = [each if isinstance(each, tuple) else (each, b"OK") for each in messages]
    return list(find(Exchange(message, 0.0, [reply]) for message, reply in pairs))


PLAIN = base64.b64encode(b"\0anna\0s3cret")
MQTT = b"\x10\x1d\0\4MQTT\4\xc2\0\x3c\0\4dev1\0\3bob\0\6s3cret"


@pytest.mark.parametrize(
    "message",
    [
        b"AUTH s3cret",
        b"auth anna s3cret\r\n",
        b"*2\r\n$4\r\nAUTH\r\n$6\r\ns3cret\r\n",
        b"*2\r\n$4\r\nAUTH\r\n$6\r\ns3cret",  # in lines, without their last end
        b"*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$11\r\nrequirepass\r\n$6\r\ns3cret",
        b"*3\r\n$4\r\nauth\r\n$4\r\nanna\r\n$6\r\ns3cret\r\n",
        b"*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$4\r\nanna\r\n$6\r\ns3cret\r\n",
        b"PASS s3cret",
        b"CAP LS\r\nPASS s3cret\r\nNICK a",
        b"a1 LOGIN anna s3cret",
        b'a1 login "anna" "s3cret"',
        b"LOGIN anna s3cret",
        b"OPER anna s3cret",
        b"PRIVMSG NickServ :IDENTIFY s3cret",
        b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer s3cret\r\n\r\n",
        b"GET / HTTP/1.1\r\nCookie: s3cret\r\n\r\n",
        b"GET /?password=s3cret HTTP/1.1\r\n\r\n",
        b"CONNECT\npasscode:s3cret\n\n\0",
        b'CONNECT {"verbose":false,"user":"anna","pass":"s3cret"}',
        b'{"token": "s3cret"}',
        b"8=FIX.4.4\x0135=A\x01553=anna\x01554=s3cret\x0110=000\x01",
        b"p\0\0\0\x0bs3cret\0",
        MQTT,
    ],
)
def test_secret_of_a_protocol(message: bytes) -> None:
    assert _found(message) == [b"s3cret"]
    assert b"s3cret" not in hidden(message, find([Exchange(message, 0.0)]))


@pytest.mark.parametrize(
    "message",
    [
        b"AUTH PLAIN " + PLAIN,
        b"a1 AUTHENTICATE PLAIN " + PLAIN,
        b"AUTHENTICATE " + PLAIN,
        b"<auth xmlns='urn' mechanism='PLAIN'>" + PLAIN + b"</auth>",
    ],
)
def test_credentials_of_sasl(message: bytes) -> None:
    assert _found(message) == [PLAIN]


def test_login_in_several_steps() -> None:
    user, password = base64.b64encode(b"anna"), base64.b64encode(b"s3cret")
    smtp = ((b"AUTH LOGIN", b"334 VXNlcm5hbWU6"), (user, b"334 UGFzc3dvcmQ6"), (password, b"235 OK"), (b"NOOP", b"250"))
    assert _found(*smtp) == [user, password]
    assert _found((b"a1 AUTHENTICATE PLAIN", b"+ "), (PLAIN, b"a1 OK"), (b"a2 NOOP", b"a2 OK")) == [PLAIN]
    assert _found((b"AUTH LOGIN", b"+OK"), (b"STAT", b"+OK")) == []


@pytest.mark.parametrize(
    "message",
    [
        b"GET author",
        b"SET a b",
        b"AUTH PLAIN",
        b"pass me the salt"[1:],
        b"\xc0\0",
        b"a1 LIST x y",
        b"MQTT",
        b"Subject: a\r\n\r\npass it",
    ],
)
def test_messages_without_a_secret(message: bytes) -> None:
    assert _found(message) == []


def test_names_of_several_secrets() -> None:
    found = find([Exchange(b"AUTH one1", 0.0), Exchange(b"AUTH two2", 0.0), Exchange(b"AUTH one1", 0.0)])
    assert found == {b"one1": "password", b"two2": "password2"}


def test_short_secret_is_hidden_only_where_it_is_one() -> None:
    secrets = find([Exchange(b"AUTH ab", 0.0)])
    assert hidden(b"AUTH ab", secrets) == b"AUTH " + MARK + b"password" + MARK
    assert hidden(b"GET table", secrets) == b"GET table"
    assert hidden(b"GET s3cret", {b"s3cret": "password"}) == b"GET " + MARK + b"password" + MARK


def test_wrong_framing_hides_no_secret() -> None:
    assert find([Exchange(b"AU", 0.0), Exchange(b"TH s3cret", 0.0)], [b"AUTH s3cret\r\n"]) == {b"s3cret": "password"}
