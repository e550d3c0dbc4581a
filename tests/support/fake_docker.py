"""A `docker` (and `docker-compose`) on PATH that records its calls, and a socket that answers like an engine.

The fake command, fake_docker_command.py, keeps its state in FOLDER/state.json: the present images, those that can be
pulled, and the calls that fail or hang. Each call is a line of FOLDER/calls.jsonl.
"""

import json
import shutil
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

COMMAND = Path(__file__).with_name("fake_docker_command.py")
SYSTEM = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


class FakeDocker:
    """The fake commands in one folder; `path` is the PATH on which nothing else is found."""

    def __init__(self, folder: Path, names: tuple[str, ...] = ("docker",), **state: Any) -> None:
        self.folder = folder
        self.path = str(folder / "bin")
        (folder / "bin").mkdir(parents=True)
        for name in names:
            self.command(name, f'exec "{sys.executable}" -IS "{COMMAND}" "{folder}" {name} "$@"')
        self.borrow("tar", "sleep")
        self.set_state(**state)

    def set_state(self, **state: Any) -> None:
        """Set it: images=[...], pullable=[...], plugin=bool, host=str, fail={"compose build": [code, text]}."""
        (self.folder / "state.json").write_text(json.dumps(state))

    def command(self, name: str, script: str) -> None:
        """Put a command beside the fakes. Never a link: writing to one would overwrite the real command."""
        with (self.folder / "bin" / name).open("x") as file:
            file.write(f"#!/bin/sh\n{script}\n")
        (self.folder / "bin" / name).chmod(0o755)

    def borrow(self, *names: str) -> None:
        """Make a real command found on the fake PATH, through a script that calls it."""
        for name in names:
            found = shutil.which(name, path=SYSTEM)
            assert found, name
            self.command(name, f'exec {found} "$@"')

    @property
    def images(self) -> list[str]:
        """The present images."""
        return list(json.loads((self.folder / "state.json").read_text()).get("images", []))

    def calls(self) -> list[dict[str, Any]]:
        """The recorded calls: argv, env, and the Dockerfile of a build or the names in the archive of an import."""
        file = self.folder / "calls.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def asked(self) -> list[str]:
        """The recorded calls as command lines."""
        return [" ".join(call["argv"]) for call in self.calls()]


class _Engine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"OK" if self.path.endswith("_ping") else b'{"ApiVersion": "1.41", "Version": "20.10"}'
        self.send_response(200)
        self.send_header("Content-Type", "text/plain" if body == b"OK" else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def engine(socket: Path) -> Iterator[str]:
    """An engine that answers only health checks; yields its address."""
    with socketserver.ThreadingUnixStreamServer(str(socket), _Engine) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"unix://{socket}"
        finally:
            server.shutdown()
