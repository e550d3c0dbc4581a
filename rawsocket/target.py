"""Where the load goes: one `tcp://host:port`, or `tls://host:port`, given by the user, never guessed.

Pure: text in, `Target` out. A target is written as a URL because Locust's own `host` field is one;
an IPv6 address is in brackets. `HOLDFAST_TARGET` names the only address that workers may load.
"""

from collections.abc import Mapping
from dataclasses import dataclass

SCHEMES = ("tcp", "tls")
VARIABLE = "HOLDFAST_TARGET"
EXPECTED = "expected tcp://host:port, or tls://host:port for TLS, for example tcp://server:8686 or tcp://[::1]:8686"


@dataclass(frozen=True, slots=True)
class Target:
    """A host name or address (without brackets), a TCP port, and whether its connections use TLS."""

    host: str
    port: int
    tls: bool = False

    @property
    def url(self) -> str:
        """The target as it is written: `tcp://host:port` or `tls://...`, an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'tls' if self.tls else 'tcp'}://{host}:{self.port}"

    def __str__(self) -> str:
        return self.url


# The lab's own server under its name on the compose network.
DEFAULT = Target("server", 8686)


def parse(url: str) -> Target:
    """Read `tcp://host:port` or `tls://[address]:port`; ValueError has one line that says what was expected."""
    scheme, separator, rest = url.strip().partition("://")
    if not separator or scheme.lower() not in SCHEMES:
        raise _error(url, "it does not begin with tcp:// or tls://")
    host, port = _split(url, rest[:-1] if rest.endswith("/") else rest)
    if not host or any(character.isspace() or character in "/@?#[]" for character in host):
        raise _error(url, "it has no valid host")
    return Target(host.lower(), _port(url, port), scheme.lower() == "tls")


def allowed(environ: Mapping[str, str]) -> Target | None:
    """Return the only target that may be loaded, from `HOLDFAST_TARGET`; None if it is unset or empty."""
    url = environ.get(VARIABLE, "").strip()
    return parse(url) if url else None


def _split(url: str, rest: str) -> tuple[str, str]:
    if rest.startswith("["):
        host, bracket, port = rest[1:].partition("]")
        if not bracket or not port.startswith(":") or ":" not in host:
            raise _error(url, "its brackets must hold an IPv6 address, followed by :port")
        return host, port[1:]
    host, colon, port = rest.rpartition(":")
    if not colon:
        raise _error(url, "it has no port")
    if ":" in host:
        raise _error(url, "an IPv6 address must be in brackets")
    return host, port


def _port(url: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536):
        raise _error(url, "its port must be a number from 1 to 65535")
    return int(text)


def _error(url: str, why: str) -> ValueError:
    return ValueError(f"target {url!r}: {why}; {EXPECTED}")
