"""Delay and jitter: the arithmetic, and the command; most kernels of virtual machines have no netem to try it with."""

import pytest

from lab.drills.drill import Before
from lab.drills.namespace import container, probe, rules
from lab.drills.network import base
from lab.drills.network.delay import Delay, Jitter
from tests.support.drill_stages import settings
from tests.support.namespaces import namespace
from tests.support.network_drills import BEFORE, Staged, bounds


@pytest.mark.parametrize(("drill", "least", "most"), [(Delay(), 200, 225), (Jitter(), 200, 325)])
def test_replies_are_later_by_the_delay(drill: Delay, least: float, most: float) -> None:
    found = bounds(drill.expects(Staged().stage, BEFORE))
    assert found == {"lost": (0, 0), "typical_p99_ms": (least, most)}


def test_slow_machine_has_a_wider_spread() -> None:
    before = Before(held=8, wanted=8, messages_s=8, p99_ms=90)
    assert bounds(Delay().expects(Staged().stage, before))["typical_p99_ms"] == (200, 380)


def test_command_of_netem() -> None:
    assert rules.delayed("eth0", 200, 0)[-3:] == ["netem", "delay", "200ms"]
    assert rules.delayed("eth0", 200, 100)[-4:] == ["netem", "delay", "250ms", "50ms"]
    assert rules.QUEUE in rules.delayed("eth0", 200, 0)


def test_kernel_without_netem_is_the_reason_to_leave_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "build", lambda _: None)
    monkeypatch.setattr(base.probe, "lacking", lambda trials, _: {one.what: "unknown" for one in trials})
    with namespace() as here:
        command = [*here.helper()._command[:-1], "30"]
        monkeypatch.setattr(container, "command", lambda network, project="": command)
        said = Delay().prepare(settings())
    assert said == f"this machine's kernel lacks {probe.DELAY_PACKETS.what}"
