"""Retries of tests of whole runs: only for a machine that is too busy, and only a few times."""

import json
from pathlib import Path
from typing import Any

import pytest

from rawsocket.master.reports import result
from tests.support import verdicts
from tests.support.busy_machine import TRIES, MachineTooBusy, demand, demand_pass, doubted, retry_on_busy_machine

BUSY = (
    "the generator was saturated on worker a (lag p99 81.0 ms, worst 250 ms, 3.0% of a core): it was kept from running"
)


def _result(*reasons: str, json_lines: bool = False, cause: str = "") -> str:
    """What a master writes at the end of a run that is unknown for these reasons."""
    document = verdicts.unknown()
    document["reasons"] = list(reasons)
    document["cause"] = {"name": "x", "text": cause, "remedy": "more workers"} if cause else None
    return json.dumps({"result": document}) + "\n" if json_lines else result.text(result.lines(document))


OUT = f"held 1/1\n{_result(BUSY)}"


@pytest.mark.parametrize("failures", range(TRIES + 1))
def test_retry_on_a_busy_machine_uses_a_new_folder(tmp_path: Path, failures: int) -> None:
    folders = []

    @retry_on_busy_machine
    def test(tmp_path: Path) -> None:
        folders.append(tmp_path)
        demand(0, 4 if len(folders) <= failures else 0, OUT)

    if failures < TRIES:
        with pytest.warns() if failures else pytest.MonkeyPatch.context():
            test(tmp_path=tmp_path)
    else:
        with pytest.warns(), pytest.raises(MachineTooBusy):
            test(tmp_path=tmp_path)
    assert len(set(folders)) == len(folders) == min(failures + 1, TRIES)
    assert all(folder.is_dir() for folder in folders)


@pytest.mark.parametrize(
    ("wanted", "code", "out"),
    [
        (0, 3, OUT),
        (3, 0, OUT),
        (0, 4, ""),
        (0, 4, _result("worker a was lost: it went missing", BUSY)),
        (0, 4, _result("worker a was lost: it went missing", BUSY, json_lines=True)),
        (0, 4, _result("worker a was lost: it went missing", BUSY, cause="Worker 1 is gone")),
    ],
)
def test_failure_for_another_reason_is_not_retried(wanted: int, code: int, out: str) -> None:
    with pytest.raises(AssertionError) as caught:
        demand(wanted, code, out, or_doubted=True)
    assert not isinstance(caught.value, MachineTooBusy)


@pytest.mark.parametrize(
    "out",
    [
        OUT,
        _result(BUSY, json_lines=True),
        _result(BUSY, cause="The generator was too slow"),
        f"INFO/rawsocket.attach: verdict unknown: {BUSY}; max_failures: 1",
    ],
)
def test_doubted_run_is_accepted_where_the_verdict_is_not_tested(out: str) -> None:
    demand(0, 4, out, or_doubted=True)
    demand(4, 4, "")


@pytest.mark.parametrize(("lag", "machine"), [(5.0, False), (80.0, True), (None, True)])
def test_wrong_code_of_a_run_whose_workers_were_kept_waiting_is_the_machines(lag: float | None, machine: bool) -> None:
    document = {"verdict": "fail", "reasons": ["held 3"], "generator": {"workers": [{"lag_p99_ms": lag}]}}
    demand(3, 3, OUT, verdict=document)
    with pytest.raises(AssertionError) as caught:
        demand(0, 3, OUT, verdict=document)
    assert isinstance(caught.value, MachineTooBusy) is machine


@pytest.mark.parametrize(
    ("verdict", "reason", "machine"),
    [("unknown", BUSY, True), ("unknown", "no worker came", False), ("fail", BUSY, False)],
)
def test_doubted_verdict_is_unknown_because_of_the_machine(verdict: str, reason: str, machine: bool) -> None:
    document: dict[str, Any] = {"verdict": verdict, "reasons": [reason, BUSY]}
    assert doubted(document) is machine
    with pytest.raises(AssertionError) as caught:
        demand_pass(document)
    assert isinstance(caught.value, MachineTooBusy) is machine
    demand_pass({"verdict": "pass", "reasons": []})
