"""The text of messages: values for secrets and for what varies, and lengths that stay right."""

import pytest

from lab.recording.messages.dialogue import Exchange
from lab.recording.messages.secrets import MARK, find
from lab.recording.script import templates
from lab.recording.script.templates import Text
from lab.recording.script.variables import Variables
from rawsocket.wire.framing import Framing, Line, Varint
from tests.support.recordings import BEGUN


def _written(*messages: bytes, framing: Framing | None = None, shared: bool = False, fixed: bool = False) -> Text:
    """Messages of the rounds of one connection."""
    texts = {(0, at): message for at, message in enumerate(messages)}
    secrets = {0: find([Exchange(message, 0.0) for message in messages])}
    parts = templates.message_parts(texts, secrets, framing or Line())
    variables = Variables([BEGUN])
    variables.share(templates.holes(parts) * (2 if shared else 1))
    templates.pin(parts, messages[0], variables, fixed)
    return templates.written(parts, messages[0], variables, fixed)


def _redis(*arguments: bytes) -> bytes:
    return b"*%d\r\n" % len(arguments) + b"".join(b"$%d\r\n%s\r\n" % (len(each), each) for each in arguments)


def test_values_in_a_text() -> None:
    assert _written(b"PUT k1 a", b"PUT k2 a") == [b"PUT k", "{n}", b" a"]
    assert _written(b"PUT k1 a", b"PUT k2 a", shared=True) == [b"PUT k", "{user}", b" a"]
    assert _written(b"AUTH s3cret") == [b"AUTH ", "{password}"]


def test_time_of_the_recording_is_a_value_in_a_single_message_as_well() -> None:
    assert _written(b"load.cpu 5 %d" % BEGUN) == [b"load.cpu 5 ", "{time}"]
    assert _written(b"load.cpu 5 1234567890") == [b"load.cpu 5 1234567890"]


def test_arguments_of_a_redis_command_keep_their_lengths() -> None:
    assert _written(_redis(b"GET", b"k1"), _redis(b"GET", b"k22")) == [b"*2\r\n$3\r\nGET\r\n$9\r\nk", "{n:08}", b"\r\n"]
    assert _written(_redis(b"SET", b"k1", b"va"), _redis(b"SET", b"k2", b"vb"), shared=True) == [
        b"*3\r\n$3\r\nSET\r\n$7\r\nk", "{user:06}", b"\r\n$6\r\n", "{user:06}", b"\r\n",
    ]  # fmt: skip


def test_secret_of_a_redis_command() -> None:
    assert _written(_redis(b"AUTH", b"s3cret")) == [
        b"*2\r\n$4\r\nAUTH\r\n$", "{length}", b"\r\n", "{<}", "{password}", "{>}", b"\r\n",
    ]  # fmt: skip
    assert "{password}" in _written(_redis(b"AUTH", b"ab"))
    broken = _redis(b"GET", b"k1")[:-1]
    assert _written(broken) == [broken]


def test_value_that_a_length_announces_keeps_its_size() -> None:
    assert _written(b"cas k1 0 0 2 7\r\na5", b"cas k2 0 0 2 7\r\na8") == [
        b"cas k", "{n}", b" 0 0 2 7\r\na", "{random:1}",
    ]  # fmt: skip
    assert _written(b"put 2 ab", b"put 3 abc") == [b"put 2 ", "{random:3}"]
    post = b"POST / HTTP/1.1\r\nX: %d\r\nContent-Length: 1\r\n\r\n%d"
    assert _written(post % (1, 5), post % (2, 6)) == [
        b"POST / HTTP/1.1\r\nX: ", "{n}", b"\r\nContent-Length: 1\r\n\r\n", "{random:1}",
    ]  # fmt: skip


@pytest.mark.parametrize("end", [b"", b"\r\n"])
def test_length_at_the_end_of_a_line_is_a_value(end: bytes) -> None:
    found = _written(b"set k1 0 0 2\r\na5" + end, b"set k2 0 0 2\r\na8" + end)
    last = [end] if end else []
    assert found == [b"set k", "{n}", b" 0 0 ", "{length}", b"\r\n", "{<}", b"a", "{n}", "{>}", *last]
    assert _written(b"put 0 5\r\nhello" + end, b"put 0 6\r\nhello2" + end)[:2] == [b"put 0 ", "{length}"]
    assert "{length}" not in _written(b"put 1 5\r\nhello" + end, b"put 2 5\r\nhello" + end)  # the rest is the same
    assert "{length}" not in _written(b"put 5\r\nhello" + end, b"put 6\r\nhello" + end)  # one is no length


def test_binary_message_of_one_size_keeps_it() -> None:
    assert _written(b"\x30\x04\0\1a1", b"\x30\x04\0\1a2", framing=Varint(1), fixed=True) == [
        b"\x30\x04\0\1a",
        "{random:1}",
    ]


def test_length_of_a_binary_message_is_a_value_where_its_size_varies() -> None:
    found = _written(b"\x30\x04\0\1a1", b"\x30\x05\0\1a10", framing=Varint(1), fixed=True)
    assert found == [b"\x30", "{length:varint}", b"\0\1a", "{n}"]
    assert _written(b"\x91\1", b"\x91\1\2", fixed=True) == [b"\x91\1"]


def test_names_of_secrets_become_values() -> None:
    assert templates.marked(b"a " + MARK + b"password2" + MARK + b" b") == [b"a ", "{password2}", b" b"]
    assert templates.marked(b"") == []
