import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.drills.namespace.helper import Helper, NotHealed
from lab.errors import LabError
from tests.support.lab import ROOT
from tests.support.namespaces import FakeTools, add_both, namespace, until

#: A lab with a helper, which is killed: its arguments are the helper's command.
LAB = """
import sys, time
from lab.drills.namespace.helper import Helper
with Helper("server", sys.argv[1:]) as helper:
    helper.run("nft", "-f", "-", text="table inet holdfast_drill {}")
    print(helper._process.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def tools(tmp_path: Path) -> FakeTools:
    return FakeTools(tmp_path / "bin")


def test_rules_are_there_inside_of_the_block_only(tools: FakeTools) -> None:
    with Helper("server", tools.command()) as helper:
        add_both(helper)
        assert tools.there() == {"table", "queue"}
    assert tools.there() == set()


def _drill(command: list[str], *then: Callable[[Helper], object]) -> None:
    """Add rules, then do what is given."""
    with Helper("server", command) as helper:
        add_both(helper)
        for each in then:
            each(helper)


def _kill(helper: Helper) -> None:
    helper._process.kill()


def _list(helper: Helper) -> None:
    helper.run("tc", "qdisc", "show")


def test_heals_when_the_drill_fails(tools: FakeTools) -> None:
    with pytest.raises(ZeroDivisionError):
        _drill(tools.command(), lambda _: 1 / 0)
    assert tools.there() == set()


def test_a_command_that_fails_is_an_error_with_what_it_said(tools: FakeTools) -> None:
    with pytest.raises(LabError, match="server: `tc nonsense` failed with 2") as raised:
        _drill(tools.command(), lambda helper: helper.run("tc", "nonsense"))
    assert raised.value.evidence == "unknown"


def test_a_helper_that_does_not_start_is_an_error_with_its_last_words() -> None:
    with pytest.raises(LabError, match="no helper could be started in the network of server") as raised:
        Helper("server", ["sh", "-c", "echo no such image >&2"]).__enter__()
    assert raised.value.evidence == "no such image"


def test_a_helper_that_was_killed_is_noticed_and_another_one_heals(tools: FakeTools) -> None:
    there = []
    with pytest.raises(LabError, match="the helper in the network of server has ended before its drill"):
        _drill(tools.command(), _kill, lambda _: there.append(tools.there()), _list)
    assert there == [{"table", "queue"}]
    assert tools.there() == set()


def test_healing_that_is_sabotaged_is_an_error_that_names_what_is_left(tools: FakeTools) -> None:
    with pytest.raises(NotHealed, match="server: rules of the drill are still there: table inet holdfast_drill; `make"):
        _drill(tools.command(), lambda _: tools.stick())
    assert tools.there() == {"table"}


def test_a_lost_helper_without_a_second_one_is_an_error(tools: FakeTools) -> None:
    def no_second(helper: Helper) -> None:
        helper._command = ["sh", "-c", "echo no image >&2"]

    with pytest.raises(NotHealed, match="no second helper could be started"):
        _drill(tools.command(), _kill, no_second)


def test_a_container_that_is_gone_has_taken_its_rules_with_it(tools: FakeTools) -> None:
    with Helper("server", tools.command()) as helper:
        helper._process.kill()
        helper._command = ["sh", "-c", "echo cannot join network of a non running container: 1f >&2"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_lab_that_is_killed_or_hangs_leaves_no_rule(tools: FakeTools, number: int) -> None:
    command = [sys.executable, "-c", LAB, *tools.command(lease=2.0 if number == signal.SIGSTOP else 30.0)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as lab:
        assert lab.stdout
        helper = int(lab.stdout.readline())
        assert tools.there() == {"table"}
        os.kill(lab.pid, number)
        try:
            assert until(lambda: tools.there() == set()), f"helper {helper} has not healed"
        finally:
            lab.kill()


def test_in_a_real_namespace_the_kernel_forgets_rules_and_queue() -> None:
    with namespace() as here:
        with here.helper() as helper:
            helper.run("nft", "-f", "-", text="table inet holdfast_drill {}")
            helper.run("tc", "qdisc", "add", "dev", "lo", "root", "handle", "d111:", "tbf", "rate", "1mbit",
                       "burst", "10k", "latency", "1s")  # fmt: skip
            assert "holdfast_drill" in here.run("nft", "list", "tables")
            assert "d111:" in here.run("tc", "qdisc", "show")
        assert here.run("nft", "list", "tables") == ""
        assert "d111:" not in here.run("tc", "qdisc", "show")
