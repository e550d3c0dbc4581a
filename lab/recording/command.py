"""`lab record NAME` and `lab import CAPTURE ... NAME`: what they do, and their flags."""

import argparse
import asyncio
import os
import re
import signal
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab import settings
from lab.conversation.syntax import framings, source
from lab.errors import EXIT_OK, UsageError
from lab.progress import result, say
from lab.recording import pcap
from lab.recording.files import Files
from lab.recording.progress import Progress
from lab.recording.proxy import ALL, Proxy
from lab.recording.script.build import NothingRecorded, compose, secrets_of
from lab.recording.script.yaml_text import conversation
from lab.recording.traffic import Connection, Traffic
from rawsocket.conversation.framings import framing_of
from rawsocket.settings.table import BY_NAME
from rawsocket.target import Target
from rawsocket.target import parse as parse_target
from rawsocket.wire.framing import Framing

LISTEN = 7000
#: The settings that `record` has in common with a run, as flags and as variables.
SETTINGS = [BY_NAME[name] for name in ("TARGET", "TLS_CA", "TLS_NAME", "TLS_CERT", "TLS_KEY", "TLS_VERIFY")]


def add_flags(verb: str, parser: argparse.ArgumentParser) -> None:
    """Add the flags of `record` or `import` to its parser."""
    if verb == "import":
        parser.add_argument("words", nargs="+", metavar="CAPTURE ... NAME", help="captures of one dialogue, and a name")
        parser.add_argument("--port", type=_port, help="port of the server; default: that with most data")
    else:
        parser.add_argument("name", metavar="NAME", help="name of the conversation: conversations/NAME.yaml")
        parser.add_argument("--listen", type=_port, default=LISTEN, help=f"port for the client (default {LISTEN})")
        parser.add_argument("--connections", type=_count, default=0, help="stop after this number of connections")
        parser.add_argument("--once", action="store_true", help="end when the client has closed its connections")
        parser.add_argument("--again", action="store_true", help="compare with the recording before: what varies?")
        settings.add_flags(parser, SETTINGS)
    parser.add_argument("--framing", help="where messages end, as in a conversation: '{delimiter: \"\\r\\n\"}'")
    parser.add_argument("--keep-secrets", action="store_true", help="write passwords and tokens into the files")
    parser.add_argument("--replace", action="store_true", help="overwrite a conversation of this name")


def run(verb: str, arguments: Mapping[str, Any]) -> int:
    """Record or import, and give the exit code. Raises LabError, or UsageError for what was given."""
    framing = given_framing(arguments["framing"]) if arguments["framing"] else None
    return _record(arguments, framing) if verb == "record" else _import(arguments, framing)


def given_framing(text: str) -> Framing:
    """Return the framing that a text describes, as in a conversation. Raises UsageError."""
    node = source.read_text(source.Source(Path(), "--framing"), text)
    return framing_of(framings.Framing.read(node).value)


def _record(arguments: Mapping[str, Any], framing: Framing | None) -> int:
    files = Files(arguments["name"])
    files.check(arguments["replace"], arguments["again"])
    before = files.read() if arguments["again"] else None
    given = {row.variable: settings.given(row, arguments, os.environ) for row in SETTINGS}
    target = _target(given["TARGET"] or (before.target if before else ""))
    proxy = Proxy(target.host, target.port, _context(target, given), given["TLS_NAME"])
    limit = arguments["connections"] or (ALL if arguments["once"] else 0)
    port = _listen(proxy, arguments["listen"], limit, target)
    found = tuple(_for_target(each.recorded(), port, target) for each in proxy.connections)
    if failed := [each.failure for each in proxy.connections if each.failure]:
        text = f"{len(failed)} of {len(found)} connections did not reach {target}: {failed[0]}; check --target"
        if len(failed) == len(found):
            raise UsageError(text)
        say(text)
    traffic = Traffic(target.url, (*(before.connections if before else ()), *found))
    return _write(files, traffic, framing, arguments["keep_secrets"])


def _import(arguments: Mapping[str, Any], framing: Framing | None) -> int:
    *captures, name = arguments["words"]
    if not captures:
        raise UsageError(f"{name}: give the capture and the name of the conversation, as in: import dump.pcap redis")
    files = Files(name)
    files.check(arguments["replace"], again=False)
    connections: list[Connection] = []
    target = ""
    for capture in captures:
        traffic, said = pcap.read(Path(capture), arguments["port"])
        say(said)
        connections += traffic.connections
        target = target or traffic.target
    return _write(files, Traffic(target, tuple(connections)), framing, arguments["keep_secrets"])


def _listen(proxy: Proxy, listen: int, limit: int, target: Target) -> int:
    """Record until Ctrl-C or the limit; return the port."""
    progress = Progress(proxy)
    proxy.changed = progress.show
    ports: list[int] = []

    def ready(port: int) -> None:
        ports.append(port)
        say(f"Recording {target}: let the client connect to 127.0.0.1:{port}; Ctrl-C ends the recording")

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        asyncio.run(_until_stopped(proxy, listen, limit, ready))
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    progress.end()
    return ports[0]


async def _until_stopped(proxy: Proxy, listen: int, limit: int, ready: Any) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, proxy.stop)
    await proxy.run(listen, limit, ready)


def _write(files: Files, traffic: Traffic, framing: Framing | None, keep_secrets: bool) -> int:
    try:
        script = compose(traffic, framing, keep_secrets)
    except NothingRecorded:
        raise UsageError(
            "no message was recorded, so no conversation was written; let the client talk with the server through the "
            "recorder's port before the recording ends"
        ) from None
    stored = traffic if keep_secrets else _without_secrets(traffic, framing)
    for line in files.write(conversation(script, Path(files.name).name), script.columns, stored):
        result(line)
    return EXIT_OK


def _without_secrets(traffic: Traffic, framing: Framing | None) -> Traffic:
    return Traffic(
        traffic.target, tuple(each.without(secrets_of(each, framing)) for each in traffic.connections if each.pieces)
    )


def _target(text: str) -> Target:
    if not text:
        raise UsageError("no target: say which server the client talks with, as in --target tcp://127.0.0.1:6379")
    try:
        return parse_target(text)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _context(target: Target, given: Mapping[str, str]) -> ssl.SSLContext | None:
    if not target.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=given["TLS_CA"] or None)
        if given["TLS_CERT"]:
            context.load_cert_chain(given["TLS_CERT"], given["TLS_KEY"] or None)
    except OSError as error:
        files = " ".join(f"{name}={given[name]}" for name in ("TLS_CA", "TLS_CERT", "TLS_KEY") if given[name])
        raise UsageError(f"{files}: {error.strerror or error}; expected PEM files; correct the path") from None
    if given["TLS_VERIFY"] and not settings.yes(given["TLS_VERIFY"]):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _for_target(connection: Connection, port: int, target: Target) -> Connection:
    """Return what the client would have sent to the target itself: HTTP's `Host` names it, not the proxy."""
    mine = re.compile(rb"(?i)(\r\nhost: *)(?:127\.0\.0\.1|localhost):%d\r\n" % port)
    host = f"{target.host}:{target.port}".encode()
    pieces: Sequence[Any] = [
        type(each)(each.at, each.sent, mine.sub(rb"\g<1>" + host + b"\r\n", each.data)) if each.sent else each
        for each in connection.pieces
    ]
    return Connection(connection.begun, tuple(pieces), connection.closed_by)


def _port(text: str) -> int:
    if text.isdecimal() and int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text}: expected a port, 0 to 65535")


def _count(text: str) -> int:
    if text.isdecimal() and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"{text}: expected a number from 1")
