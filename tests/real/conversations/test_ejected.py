"""The session that `lab eject` makes of each conversation sends the same bytes as the conversation."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import csv
import re
from pathlib import Path
from typing import Any

import pytest

from lab.eject.module import class_name, module
from rawsocket.measurement.recorder import RECORDER
from tests.real.conversations.dialogues import DIALOGUES
from tests.real.conversations.play import plan_of
from tests.real.conversations.scripted import server_of
from tests.real.small_servers import running
from tests.support.ejected import imported
from tests.support.local_run import LONG, Run, wait_until


def _ejected(name: str, folder: Path) -> type[Any]:
    plan = plan_of(name, rounds=1, heartbeat=None)
    path = folder / f"ejected_{name}.py"
    path.write_text(module(plan, {}, name, f"{name}.csv"))
    if plan.data:
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([plan.data.columns, *plan.data.rows])
    return imported(path, class_name(name))


@pytest.mark.parametrize("name", sorted(DIALOGUES))
def test_first_round_byte_for_byte(name: str, tmp_path: Path) -> None:
    handler = server_of(DIALOGUES[name])
    RECORDER.begin_run()
    with running(handler) as server:
        run = Run(_ejected(name, tmp_path), server.target, 1, every=0.05, stop_timeout=LONG / 3)
        try:
            wait_until(lambda: RECORDER.failures or handler.heard is not None)
            assert (RECORDER.failures, RECORDER.examples) == (0, {})
        finally:
            run.stop()
    assert run.errors == []
    assert handler.heard is not None
    *heard, rest = handler.heard
    assert rest == b""
    assert len(heard) == len(DIALOGUES[name])
    assert all(re.fullmatch(pattern, said) for (pattern, _), said in zip(DIALOGUES[name], heard, strict=True))
