import pytest

from lab.drills.namespace import container, probe, rules
from lab.drills.namespace.fault_location import FaultLocation
from lab.drills.network import DRILLS, base
from lab.drills.network.base import NetworkDrill
from tests.support.namespaces import AGENT, namespace
from tests.support.network_drills import Staged, staged


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
def test_needs_containers(drill: NetworkDrill) -> None:
    chosen = Staged().settings
    assert drill.refusal("native", chosen) == "it needs ENGINE=docker"
    assert drill.refusal("docker", chosen) == ""


def test_target_is_reached_by_the_workers_networks_alone() -> None:
    chosen = Staged(TARGET="tcp://10.0.0.5:9000").settings
    said = {drill.name: drill.refusal("docker", chosen) for drill in DRILLS}
    assert {name: why for name, why in said.items() if why} == {
        "half-open": "the server has to be restarted, and the lab does not run TARGET",
        "bandwidth": "it limits the way out of the server's container, and the lab does not run TARGET",
        "delay": "it delays what leaves the server's container, and the lab does not run TARGET",
        "jitter": "it delays what leaves the server's container, and the lab does not run TARGET",
    }
    addresses = Staged(TARGET="tcp://[2001:db8::1]:9000").settings
    assert DRILLS[0].refusal("docker", addresses) == "its rules match addresses of IPv4, and TARGET is 2001:db8::1"


def test_kernel_is_asked_for_all_that_the_drills_need(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    monkeypatch.setattr(container, "build", built.append)
    lacking = probe.Trial("time travel", ["false"])
    with namespace() as here:
        monkeypatch.setattr(container, "command", lambda network: [*here.helper()._command[:-2], AGENT, "30"])
        for drill in DRILLS:
            said = drill.prepare(Staged(BASE_IMAGE="python:3.13-slim").settings)
            assert said == "" or said.startswith("this machine's kernel lacks ")
            assert here.run("nft", "list", "ruleset") == ""
        monkeypatch.setattr(DRILLS[0], "trials", lambda: [lacking])
        assert DRILLS[0].prepare(Staged().settings) == "this machine's kernel lacks time travel"
    assert set(built) == {"python:3.13-slim", ""}


@pytest.mark.parametrize(("seconds", "every", "share"), [(5, 10, 0.5), (20, 10, 1), (-1, 10, 0), (5, 0, 0)])
def test_share_of_users_with_a_message_due(seconds: float, every: float, share: float) -> None:
    assert base.share_by(seconds, every) == share


def test_no_chance_where_all_or_none_are_hit() -> None:
    assert base.spread(400, 0) == base.spread(400, 1) == 0
    assert base.spread(400, 0.5) == 40


def test_connections_that_only_the_server_has_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    with staged(monkeypatch, 10, TIMEOUT="0.3", WORKERS="1") as (here, connections, _):
        all_of_them = rules.clients_side
        monkeypatch.setattr(rules, "clients_side", lambda listing: all_of_them(listing)[:7])
        base.end_half_open(here.stage)
        assert here.own == {"half_open": 3}
        assert connections.talk(5.0) == {"answered": 7, "silent": 0, "reset": 3}


def test_client_that_has_closed_and_could_not_say_so_does_not_know_its_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its socket stays in FIN_WAIT_1; the rules stay as well, so that no repeated FIN arrives meanwhile."""
    with (
        staged(monkeypatch, 10, TIMEOUT="0.3", WORKERS="1") as (here, connections, where),
        where.helper() as helper,
    ):
        held = FaultLocation([helper], connections.port, at_server=True).clients()
        helper.run(
            "nft", "-f", "-", text=rules.black_hole(connections.port, held, (rules.TO_SERVER, rules.FROM_SERVER))
        )
        connections.close(3)
        base.end_half_open(here.stage)
        assert here.own == {"half_open": 3}
        assert connections.talk(5.0) == {"answered": 7, "silent": 0, "reset": 0}
