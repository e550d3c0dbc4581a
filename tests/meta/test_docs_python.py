"""The Python on the pages works as it stands: each scenario holds connections, each framing finds its messages."""

from __future__ import annotations

import json
import os
import re
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab.settings import ROOT
from tests.support.cuts import CUTS, feed
from tests.support.pages import PAGES, blocks

PROGRAMS = [(page, code) for page in PAGES for code in blocks(page, "python") if "import" in code]
SCENARIOS = [(page, code) for page, code in PROGRAMS if "User)" in code]


@pytest.mark.parametrize(("page", "code"), PROGRAMS)
def test_each_program_can_be_read_by_python(page: str, code: str) -> None:
    compile(code, page, "exec")


def test_readers_own_framing_finds_its_messages_however_the_stream_is_cut() -> None:
    (code,) = [code for _, code in PROGRAMS if "(Framing)" in code]
    names: dict[str, Any] = {}
    exec(code, names)
    framing = names["Typed"]()
    messages = [b"Pping", b"R", b"S" + bytes(300)]
    stream = b"".join(map(framing.encode, messages))
    for cut in CUTS:
        decoder = framing.decoder()
        assert feed(decoder, cut(stream + b"P\0")) == messages
        assert decoder.pending == 2


USERS = 20
# Added to a scenario: the run ends when all of its users were held in one second and have got replies.
END = f"""

import gevent
from locust import events
from rawsocket.attach import attach


def _end_when_all_are_held(environment):
    timeline = attach().controller.run.timeline
    while timeline.peak() < {USERS} or not any(second.messages_s for second in timeline.samples):
        gevent.sleep(0.1)
    environment.runner.quit()


@events.test_start.add_listener
def _watch(environment, **_):
    gevent.spawn_later(0.1, _end_when_all_are_held, environment)
"""


class _Echo(socketserver.StreamRequestHandler):
    """Sends each line back."""

    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line)


class _Pong(socketserver.StreamRequestHandler):
    """Says pong to each message that has four bytes of length before it."""

    def handle(self) -> None:
        while header := self.rfile.read(4):
            self.rfile.read(int.from_bytes(header, "big"))
            self.wfile.write(b"\0\0\0\4pong")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 100


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    """What `locust -f` says of each scenario, all run at once; verdict.json as it stands."""
    with ThreadPoolExecutor(len(SCENARIOS)) as pool:
        folders = [tmp_path_factory.mktemp("scenario") for _ in SCENARIOS]
        yield list(pool.map(_run, (code for _, code in SCENARIOS), folders))


def _run(code: str, folder: Path) -> dict[str, Any]:
    handler = _Pong if "pong" in code else _Echo
    with _Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (folder / "scenario.py").write_text(code + END)
        host = f"tcp://127.0.0.1:{server.server_address[1]}"
        arguments = ["-f", "scenario.py", "--headless", "-u", str(USERS), "-r", str(USERS), "-t", "60s", "--host", host]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
        environ |= {"HOLDFAST_RUNS": str(folder), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "locust", *arguments]
        done = subprocess.run(
            command, cwd=folder, env=environ, capture_output=True, text=True, timeout=100, check=False
        )
        server.shutdown()
    assert (folder / "verdict.json").exists(), done.stdout + done.stderr
    found: dict[str, Any] = json.loads((folder / "verdict.json").read_text())
    return found


def test_there_is_a_scenario_on_each_page_that_explains_them() -> None:
    assert [page for page, _ in SCENARIOS] == [
        "docs/latency.md",
        "docs/scenarios.md",
        "docs/shapes.md",
        "docs/your-server.md",
        "docs/your-server.md",
    ]


@pytest.mark.parametrize("number", range(len(SCENARIOS)))
def test_each_scenario_holds_its_connections_and_gets_its_replies(verdicts: list[dict[str, Any]], number: int) -> None:
    verdict = verdicts[number]
    assert verdict["held"]["peak"] == USERS
    assert verdict["messages"]["answered"] > 0
    assert verdict["messages"]["wrong"] == 0
    assert verdict["connections"]["failed"] == verdict["connections"]["dropped"] == {}


@pytest.mark.parametrize("code", blocks("docs/protocols.md", "python"))
def test_code_of_a_protocol_is_a_part_of_its_scenario(code: str) -> None:
    files = [path.read_text() for path in (ROOT / "locustfiles/protocols").glob("*.py")]
    assert sum(code in file for file in files) == 1


def test_both_examples_of_a_users_own_server_have_one_name() -> None:
    """The commands beside them are the same: SCENARIO=theirs."""
    theirs = [code for page, code in SCENARIOS if page == "docs/your-server.md"]
    names = {re.findall(r"^class (\w+)", code, re.M)[0] for code in theirs}
    assert names == {"Theirs"}
