"""Whole runs in which workers send anything at any time: what the master makes of them is complete and right.

HOLDFAST_RANDOM=yes HOLDFAST_EXAMPLES=20000 looks for more.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from locust.runners import STATE_RUNNING

from rawsocket import locust_patches
from rawsocket.master import controller as controllers
from rawsocket.master.observability.otlp_exporter import OtlpExporter
from rawsocket.master.page import prometheus
from rawsocket.master.page.state import state
from rawsocket.master.reports import artefacts
from rawsocket.measurement.latency_log import LatencyLog
from rawsocket.measurement.report import MOST
from tests.support.garbage import MESSAGES
from tests.support.masters import Master, joined_master
from tests.support.random_inputs import examples
from tests.support.reports import report

#: When a message arrives: before a run, in its ramp, in its steady state, between stop and end, after its end.
PHASES = ("before", "ramp", "steady", "stopping", "after")
HONEST = "a"
SENT = st.lists(st.tuples(st.sampled_from(PHASES), st.sampled_from(("b", "c", "b ", "\n")), MESSAGES), max_size=12)
SETTINGS = settings(
    max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
Sent = list[tuple[str, str, tuple[str, Any]]]


@contextlib.contextmanager
def _master(folder: Path) -> Iterator[Master]:
    """A new one for each example: a worker may have said that it is at its last run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(artefacts, "_noting_trouble", lambda name, unwritten: contextlib.nullcontext())
        # Locust's own page is a megabyte: its figures are made elsewhere.
        patch.setattr(locust_patches, "locusts_report", lambda environment: "")
        for wait in ("FINALS_S", "TOLD_S", "BACK_S"):
            patch.setattr(controllers, wait, 0.0)
        with joined_master(patch, runs=str(folder)) as made:
            patch.setattr(made.attachment.master, "break_off", made.bench.controller.run.errors.add)
            yield made


def _honest(master: Master, seconds: int, final: bool = False) -> None:
    """The report of the worker that sends what it should."""
    figures = report(
        held=5, wall_s=seconds, answered=10 * seconds, rows={"message": {200: 10}}, final=final, connected=5
    )
    master.bench.controller.receive(HONEST, figures)


def _look(master: Master) -> None:
    """Everything that reads the figures while a run goes on."""
    controller = master.bench.controller
    json.dumps(state(controller), allow_nan=False)
    assert prometheus.render(controller)
    stats = master.runner.environment.stats
    for entry in [*stats.entries.values(), stats.total]:
        json.dumps(entry.to_dict(), allow_nan=False)


def _play(master: Master, sent: Sent) -> dict[str, Any]:
    """Play a run of six seconds in which these messages arrive; return verdict.json."""
    controller, second = master.bench.controller, 0

    def arrive(phase: str) -> None:
        for when, sender, (kind, data) in sent:
            if when == phase:
                master.read(sender, kind, data)
        _look(master)

    def pass_seconds(count: int) -> None:
        nonlocal second
        for _ in range(count):
            second += 1
            master.bench.clock.now += 1.0
            _honest(master, second)
            controller.tick()

    assert controller.run.errors.reasons == []
    assert not controller.run.participants
    arrive("before")
    controller.on_test_start()
    controller.run.log = LatencyLog(controller.plan.runs)
    arrive("ramp")
    pass_seconds(1)
    master.runner.update_state(STATE_RUNNING)
    controller.on_spawning_complete()
    pass_seconds(3)
    arrive("steady")
    pass_seconds(2)
    controller.on_test_stopping()
    _honest(master, second, final=True)
    arrive("stopping")
    controller.on_test_stop()
    artefacts.write(controller)
    arrive("after")
    controller.conclude(again=True)
    artefacts.write(controller)
    OtlpExporter(controller, "http://127.0.0.1:1/", post=lambda url, body: None).send_last()
    found: dict[str, Any] = json.loads((next(Path(controller.plan.runs).rglob("verdict.json"))).read_text())
    return found


@SETTINGS
@example(sent=[])
@given(sent=SENT)
def test_run_ends_with_its_verdict_whatever_workers_send(sent: Sent) -> None:
    with TemporaryDirectory() as folder, _master(Path(folder)) as master:
        document = _play(master, sent)
        run = master.bench.controller.run
    assert document["verdict"] in ("pass", "fail", "unknown")
    assert document["reasons"] or document["verdict"] == "pass"
    honest = run.participant(HONEST)
    assert not honest.lost
    assert honest.report is not None
    assert (honest.final, honest.report.counts.messages.answered) == (True, 60)
    assert all(0 <= sample.held <= 5 + 4 * MOST for sample in run.timeline.samples)
    for own in run.participants:
        if own.lost:
            assert document["verdict"] != "pass"
            assert any(own.name in reason for reason in document["reasons"]), (own, document["reasons"])
