from bench.server.contenders import SERVERS, Server
from bench.server.row import Experiment


def test_an_experiment_measures_everyone_unless_it_says_whom() -> None:
    assert Experiment("loop", 3, lambda *_: {}).contenders == tuple(SERVERS)
    assert Experiment("loop", 3, lambda *_: {}, ("select",)).contenders == ("select",)


def test_of_its_contenders_only_peers_may_be_left_out() -> None:
    own = {"asyncio": Server("asyncio", "our asyncio", list), "uvloop": SERVERS["uvloop"]}
    assert Experiment("loop", 3, lambda *_: {}, tuple(own), own).present(["select"]) == ["asyncio"]
    assert Experiment("loop", 3, lambda *_: {}, tuple(own), own).present(["uvloop"]) == ["asyncio", "uvloop"]
    assert Experiment("loop", 3, lambda *_: {}).present(["select", "gevent"]) == ["select", "gevent"]
