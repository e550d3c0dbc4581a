import pytest

from lab.drills.namespace import fault_location, rules
from tests.support.network_drills import SIDES, Staged, staged


def test_server_is_where_the_workers_connect_to() -> None:
    for given in SIDES:
        found = fault_location.server(Staged("tls://db:6379", **given).stage)
        assert (found.host, found.port) == ("db", 6379)


@pytest.mark.parametrize("role", ["server", "worker"])
def test_both_sides_see_and_end_the_same_connections(monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    with staged(monkeypatch, 10, WORKERS="1") as (here, connections, namespace):
        with fault_location.location_of(here.stage, role) as found:
            assert found.at_server is (role == "server")
            seen = found.clients()
            assert len(set(seen)) == len(seen) == 10
            assert found.end(seen[:3]) == 3
            assert found.clients() == seen[3:]
            assert connections.talk(5.0) == {"answered": 7, "silent": 0, "reset": 3}
            found.apply(rules.cut())
            assert "127.0.0.0/8" in namespace.run("nft", "list", "ruleset")
        assert namespace.run("nft", "list", "ruleset") == ""


def test_all_workers_networks_are_entered(monkeypatch: pytest.MonkeyPatch) -> None:
    with staged(monkeypatch, 2) as (here, *_), fault_location.location_of(here.stage, "worker") as found:
        assert len(found.helpers) == 2
        assert found.run("echo", "here") == "here\nhere\n"
