from pathlib import Path

from lab.drills.namespace import probe, rules
from lab.drills.namespace.helper import Helper
from tests.support.namespaces import FakeTools, namespace


def test_says_what_is_lacking_and_why(tmp_path: Path) -> None:
    tools = FakeTools(tmp_path / "bin")
    with Helper("here", tools.command()) as helper:
        trials = [probe.Trial("tbf", ["tc", "nonsense"]), probe.Trial("nft", ["nft", "-f", "-"], "table")]
        assert probe.lacking(trials, helper) == {"tbf": "unknown"}


def test_a_kernel_that_can_do_all_lacks_nothing_and_keeps_nothing() -> None:
    """On the kernels that we know; one that lacks something says so by its name."""
    trials = [probe.of_rules(rules.no_farewell(1)), probe.END_CONNECTIONS, probe.LIMIT_BANDWIDTH]
    with namespace() as here:
        with here.helper() as helper:
            assert set(probe.lacking(trials, helper)) <= {one.what for one in trials}
        assert here.run("nft", "list", "ruleset") == ""


def test_a_rule_that_the_kernel_refuses_is_lacking() -> None:
    with namespace() as here, here.helper() as helper:
        (said,) = probe.lacking([probe.of_rules("table inet holdfast_drill { nonsense }")], helper).values()
        assert "syntax error" in said
