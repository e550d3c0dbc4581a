"""Pure: addresses of HTTP endpoints that the master asks or tells: metrics of the target, a collector."""

import re
from urllib.parse import urlsplit

from rawsocket.settings.row import Kind

MOST = 8  # series of the target that are shown
# Up to the next comma that is not in braces.
_NAME = re.compile(r'((?:[^,{"]|\{(?:[^"}]|"(?:\\.|[^"\\])*")*\})+)')


def metrics_address(text: str) -> tuple[str, tuple[str, ...]]:
    """Return what to ask and which series to show: `http://host:9100/metrics#threads,queue{name="jobs"}`.

    ValueError, half a sentence, for what is no such address.
    """
    url, _, rest = text.partition("#")
    _check(url, "expected http://HOST:PORT/metrics, and names after a # if only some series are meant")
    names = tuple(name.strip() for name in _NAME.findall(rest) if name.strip())
    if len(names) > MOST:
        raise ValueError(f"expected at most {MOST} names, not {len(names)}")
    return url, names


def host(address: str) -> str:
    """Return the host of an address, "" for none."""
    return urlsplit(address).hostname or ""


def _check(url: str, expected: str) -> None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # ValueError if it is no number
    except ValueError:
        raise ValueError(expected) from None
    # A user and a password would end up in logs.
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or re.search(r"\s", url):
        raise ValueError(expected)


def _metrics(text: str) -> str:
    metrics_address(text)
    return text


def _collector(text: str) -> str:
    _check(text, "expected http://HOST:4318, the address of a collector that takes OTLP over HTTP")
    return text.rstrip("/")


METRICS = Kind(_metrics, "URL")
COLLECTOR = Kind(_collector, "URL")
