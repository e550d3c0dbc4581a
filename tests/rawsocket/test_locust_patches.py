import locust  # isort: skip  # patches the process before anything else is imported

import gc
import inspect

import pytest
from locust import argument_parser
from locust.env import Environment
from locust.runners import Runner, WorkerRunner

from rawsocket import locust_patches


@pytest.fixture
def _restored(monkeypatch: pytest.MonkeyPatch):
    thresholds = gc.get_threshold()
    original = inspect.unwrap(argument_parser.default_args_dict)
    monkeypatch.setattr(argument_parser, "default_args_dict", original)
    monkeypatch.setattr(locust.runners, "inspect", inspect)
    yield
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("_restored")
def test_the_parser_is_built_once(monkeypatch: pytest.MonkeyPatch):
    built = 0
    original = argument_parser.get_empty_argument_parser

    def build(*args, **kwargs):
        nonlocal built
        built += 1
        return original(*args, **kwargs)

    monkeypatch.setattr(argument_parser, "get_empty_argument_parser", build)
    locust_patches.lighten_worker()
    locust_patches.lighten_worker()
    first = argument_parser.default_args_dict()
    assert argument_parser.default_args_dict() == first
    assert "num_users" in first
    assert built == 1
    assert gc.get_threshold() == locust_patches.GC_THRESHOLDS


def test_the_release_that_we_name_still_asks_for_them_with_each_message():
    """What the patch is for: without this line it is of no use, and with another one perhaps wrong."""
    assert locust.__version__ == "2.47.0"
    assert "argument_parser.default_args_dict()" in inspect.getsource(WorkerRunner.handle_message)
    assert inspect.getsource(Runner).count("inspect.") == 2
    assert "            caller = inspect.getframeinfo(inspect.stack()[1][0])" in inspect.getsource(Runner.stop)


@pytest.mark.usefixtures("_restored")
def test_stopping_does_without_knowing_who_has_asked_for_it():
    runner = Environment().create_local_runner()
    locust_patches.lighten_worker()
    runner.state = "running"
    runner.stop()
    assert runner.state == "stopped"


@pytest.mark.parametrize(
    ("ms", "kept"),
    [(0.0, 0.0), (0.2345, 0.23), (0.996, 1.0), (4.56, 4.6), (9.96, 10.0), (10.4, 10), (147, 150), (3432, 3400)],
)
def test_times_are_kept_to_two_digits_below_ten_milliseconds_too(ms: float, kept: float):
    assert locust_patches.bucket(ms) == kept


def test_locusts_own_statistics_use_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(locust.stats, "bucket_response_time", locust.stats.bucket_response_time)
    locust_patches.keep_microseconds()
    environment = Environment()
    environment.stats.log_request("TCP", "message", 0.2345, 20)
    assert environment.stats.get("message", "TCP").get_response_time_percentile(0.99) == 0.23
