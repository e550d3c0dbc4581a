import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.namespaces import FakeTools

BOTH = (
    {"run": ["nft", "-f", "-"], "input": "table inet holdfast_drill {}"},
    {"run": ["tc", "qdisc", "add", "dev", "eth0", "root"]},
)
Process = subprocess.Popen[str]


@pytest.fixture
def tools(tmp_path: Path) -> FakeTools:
    return FakeTools(tmp_path / "bin")


@pytest.fixture
def start(tools: FakeTools) -> Iterator[Callable[..., Process]]:
    started = []

    def begin(lease: float = 30.0) -> Process:
        process = subprocess.Popen(
            tools.command(lease), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        assert _answer(process) == {"ready": True}
        for document in BOTH:
            assert _ask(process, document)["code"] == 0
        assert tools.there() == {"table", "queue"}
        return process

    yield begin
    for process in started:
        with process:
            process.kill()


def _answer(process: Process) -> dict[str, Any]:
    assert process.stdout
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


def _ask(process: Process, document: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin
    process.stdin.write(json.dumps(document) + "\n")
    process.stdin.flush()
    return _answer(process)


def test_a_command_that_fails_gives_its_code_and_what_it_said(start: Callable[..., Process]) -> None:
    process = start()
    assert _ask(process, {"run": ["tc", "nonsense"]}) == {"code": 2, "output": "unknown\n"}
    assert _ask(process, {"run": ["no-such-program"]}) == {"code": 127, "output": "no-such-program is not installed"}


def test_heals_when_asked_to(start: Callable[..., Process], tools: FakeTools) -> None:
    process = start()
    assert _ask(process, {"end": True}) == {"left": []}
    assert process.wait(20) == 0
    assert tools.there() == set()


def test_heals_when_its_input_ends(start: Callable[..., Process], tools: FakeTools) -> None:
    process = start()
    assert process.stdin
    process.stdin.close()
    assert process.wait(20) == 0
    assert tools.there() == set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_heals_on_a_signal(start: Callable[..., Process], tools: FakeTools, number: int) -> None:
    process = start()
    process.send_signal(number)
    assert process.wait(20) == 0
    assert tools.there() == set()


def test_heals_when_nothing_comes_for_as_long_as_its_lease(start: Callable[..., Process], tools: FakeTools) -> None:
    process = start(2.0)
    assert process.wait(30) == 0
    assert tools.there() == set()


def test_heals_though_nobody_reads_its_answers(start: Callable[..., Process], tools: FakeTools) -> None:
    process = start()
    assert process.stdin
    assert process.stdout
    process.stdout.close()
    process.stdin.close()
    process.wait(20)
    assert tools.there() == set()


def test_says_what_it_could_not_remove(start: Callable[..., Process], tools: FakeTools) -> None:
    process = start()
    tools.stick()
    assert _ask(process, {"end": True}) == {"left": ["table inet holdfast_drill"]}
    assert process.wait(20) == 1


def test_rules_that_can_not_be_listed_count_as_left(start: Callable[..., Process], tools: FakeTools) -> None:
    process = start()
    (tools.folder / "nft").write_text("#!/bin/sh\necho no permission >&2; exit 1\n")
    assert _ask(process, {"end": True}) == {"left": ["unknown: nft list tables: no permission"]}
