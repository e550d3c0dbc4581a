import pytest

from rawsocket.target import Target, allowed, parse


@pytest.mark.parametrize(
    ("url", "target", "canonical"),
    [
        ("tcp://server:8686", Target("server", 8686), "tcp://server:8686"),
        ("tcp://127.0.0.1:1", Target("127.0.0.1", 1), "tcp://127.0.0.1:1"),
        (" TCP://Server:8686/ ", Target("server", 8686), "tcp://server:8686"),
        ("tcp://[::1]:8686", Target("::1", 8686), "tcp://[::1]:8686"),
        ("tls://server:8443", Target("server", 8443, True), "tls://server:8443"),
        ("TLS://[::1]:8443/", Target("::1", 8443, True), "tls://[::1]:8443"),
        ("tcp://[fe80::1%eth0]:65535", Target("fe80::1%eth0", 65535), "tcp://[fe80::1%eth0]:65535"),
    ],
)
def test_target_is_parsed_and_written_as_a_url(url: str, target: Target, canonical: str):
    assert parse(url) == target
    assert target.url == str(target) == canonical
    assert parse(canonical) == target


@pytest.mark.parametrize(
    "url",
    [
        "",
        "server:8686",
        "http://server:8686",
        "ssl://server:8686",
        "tcp://server",
        "tcp://server:",
        "tcp://server:0",
        "tcp://server:65536",
        "tcp://server:٣",
        "tcp://server:-1",
        "tcp://:8686",
        "tcp://::1:8686",
        "tcp://[::1]",
        "tcp://[::1:8686",
        "tcp://[server]:8686",
        "tcp://user@server:8686",
        "tcp://server:8686/path",
        "tcp://ser ver:8686",
        "tcp://server?x:1",
    ],
)
def test_invalid_target_is_a_one_line_error(url: str):
    with pytest.raises(ValueError, match="expected tcp://host:port") as caught:
        parse(url)
    assert "\n" not in str(caught.value)


def test_allowed_target_comes_from_the_environment():
    assert allowed({"HOLDFAST_TARGET": "tcp://a:1"}) == Target("a", 1)
    assert allowed({}) is None
    assert allowed({"HOLDFAST_TARGET": " "}) is None
    with pytest.raises(ValueError, match="expected"):
        allowed({"HOLDFAST_TARGET": "a:1"})
