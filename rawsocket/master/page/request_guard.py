"""Decides which requests may change something: those of the page itself and of command-line clients.

Locust's page has no login and answers every origin (`Access-Control-Allow-Origin: *`), so any web page that
the user visits could start a load. Rules:

- A request that changes something (any method but GET, HEAD, OPTIONS) must have one of the page's own names as its
  host; that defeats DNS rebinding, where a foreign name resolves to this machine. With a login (login.py) any name is
  allowed.
- If a browser says where the request comes from (Origin, Sec-Fetch-Site), it must be the page itself.
- The CORS headers are removed from every answer, and the security headers added.
- /swarm answers with a message, which the page shows, if the host is not the lab's target or the users don't fit.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Request, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from rawsocket import target as targets
from rawsocket.master.page import security_headers

SAFE = ("GET", "HEAD", "OPTIONS")
Environ = dict[str, Any]
WSGI = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
logger = logging.getLogger(__name__)


class RequestGuard:
    """A WSGI layer around the page's application."""

    def __init__(self, inner: WSGI, names: Iterable[str] | None) -> None:
        self._inner = inner
        self._names = None if names is None else frozenset(names)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Refuse, or pass on; in both cases the answer has the security headers and no CORS headers."""
        reason = refusal(environ, self._names)
        if reason:
            body = f"{reason}\n".encode()
            headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
            start_response("403 Forbidden", security_headers.added(headers))
            return [body]

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            kept = [(name, value) for name, value in headers if not name.lower().startswith("access-control-")]
            return start_response(status, security_headers.added(kept), *rest)

        return self._inner(environ, start)


def refusal(environ: Mapping[str, Any], names: Iterable[str] | None) -> str | None:
    """Return why a request is refused, or None; `environ` is WSGI's; `names` None: any, the page has a login."""
    if environ.get("REQUEST_METHOD", "GET") in SAFE:
        return None
    host = environ.get("HTTP_HOST", "")
    if names is not None and _name(host) not in names:
        return (
            f"refused: {host or 'a request without Host'} is not a name of this page (HOLDFAST_PAGE_NAMES lists them)"
        )
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and not _is_from(origin, host):
        return f"refused: the request comes from {origin}, not from this page"
    site = environ.get("HTTP_SEC_FETCH_SITE", "same-origin")
    if site not in ("same-origin", "none"):
        return f"refused: the browser says that the request is {site}, not from this page"
    return None


def _is_from(origin: str, host: str) -> bool:
    try:
        return urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:  # such as http://[
        return False


def _name(host: str) -> str:
    """Return a Host header without its port, in lower case."""
    if host.startswith("["):
        return host[: host.find("]") + 1].lower()
    return host.partition(":")[0].lower()


def foreign(host: str, allowed: str) -> str | None:
    """Return why `host`, as typed into the page, may not be loaded, or None; `allowed` "" allows any."""
    if not allowed or not host.strip():
        return None
    try:
        same = targets.parse(host) == targets.parse(allowed)
    except ValueError as error:
        return f"target-refused: {error}"
    if same:
        return None
    return (
        f"target-refused: this lab loads {allowed} only, not {host}; to load another server start the lab with "
        "TARGET=tcp://host:port"
    )


def answer_error(error: Exception) -> Any:
    """Answer a request that raised with one line; the log has the rest."""
    if isinstance(error, HTTPException):
        return error
    logger.error("%s %s failed", request.method, ascii(request.path), exc_info=error)
    return Response(f"{type(error).__name__}: see the master's log\n", 500, mimetype="text/plain")


def install(app: Flask, names: Iterable[str] | None, check: Callable[[Request], str | None], path: str) -> None:
    """Put the guard around the app; `check` returns why a start (POST `path`) is refused, or None."""
    app.wsgi_app = RequestGuard(app.wsgi_app, names)  # type: ignore[method-assign]
    # Locust sets `debug`, which lets an error through to the web server.
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.register_error_handler(Exception, answer_error)

    @app.before_request
    def refuse_start() -> Response | None:
        if request.method != "POST" or request.path != path:
            return None
        reason = check(request)
        return None if reason is None else jsonify(success=False, message=reason)
