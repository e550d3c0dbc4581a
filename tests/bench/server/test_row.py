from bench.server.contenders import SERVERS, ServerSpec
from bench.server.row import ServerExperiment


def test_an_experiment_measures_all_servers_by_default() -> None:
    assert ServerExperiment("loop", 3, lambda *_: {}).contenders == tuple(SERVERS)
    assert ServerExperiment("loop", 3, lambda *_: {}, ("select",)).contenders == ("select",)


def test_experiment_can_leave_out_only_peers() -> None:
    own = {"asyncio": ServerSpec("asyncio", "our asyncio", list), "uvloop": SERVERS["uvloop"]}
    assert ServerExperiment("loop", 3, lambda *_: {}, tuple(own), own).present(["select"]) == ["asyncio"]
    assert ServerExperiment("loop", 3, lambda *_: {}, tuple(own), own).present(["uvloop"]) == ["asyncio", "uvloop"]
    assert ServerExperiment("loop", 3, lambda *_: {}).present(["select", "gevent"]) == ["select", "gevent"]
