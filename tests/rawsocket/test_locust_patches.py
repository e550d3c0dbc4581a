import locust  # isort: skip  # patches the process before anything else is imported

import gc
import inspect
import logging
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import locust.html
import locust.main
import locust.web
import pytest
from gevent.pool import Group
from locust import TaskSet, User, argument_parser
from locust.env import Environment
from locust.runners import LocalRunner, Runner, WorkerRunner
from locust.web import WebUI

from rawsocket import locust_patches


@pytest.fixture
def _restored(monkeypatch: pytest.MonkeyPatch):
    thresholds = gc.get_threshold()
    original = inspect.unwrap(argument_parser.default_args_dict)
    monkeypatch.setattr(argument_parser, "default_args_dict", original)
    monkeypatch.setattr(locust.runners, "inspect", inspect)
    yield
    gc.set_threshold(*thresholds)


def test_configuration_files_are_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "locust.conf").write_text("headless = true\n")
    monkeypatch.chdir(tmp_path)
    for function in (argument_parser.get_empty_argument_parser, argument_parser.get_parser):
        monkeypatch.setattr(function, "__defaults__", function.__defaults__)
    assert argument_parser.get_parser().parse_args([]).headless
    locust_patches.read_no_config_files()
    assert not argument_parser.get_parser().parse_args([]).headless
    assert not argument_parser.default_args_dict().get("headless")


def test_warnings_that_do_not_apply_are_hidden(caplog: pytest.LogCaptureFixture) -> None:
    source = inspect.getsource(locust.main) + inspect.getsource(locust.runners)
    loggers = [logging.getLogger(name) for name in ("locust.main", "locust.runners")]
    before = [list(logger.filters) for logger in loggers]
    try:
        locust_patches.hide_warnings()
        for logger in loggers:
            for text in locust_patches._NOT_HERE:
                assert text in source  # Locust still says it
                logger.warning(f"{text} (>100/worker)")
            logger.warning("CPU usage above 90%!")
    finally:
        for logger, filters in zip(loggers, before, strict=True):
            logger.filters[:] = filters
    assert [record.getMessage() for record in caplog.records] == ["CPU usage above 90%!"] * 2


@pytest.mark.usefixtures("_restored")
def test_parser_is_built_only_once(monkeypatch: pytest.MonkeyPatch):
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


def test_pinned_locust_release_still_needs_the_worker_patches():
    """The patches replace these lines of Locust. If they change, the patches may be useless or wrong."""
    assert locust.__version__ == "2.47.0"
    assert "argument_parser.default_args_dict()" in inspect.getsource(WorkerRunner.handle_message)
    assert inspect.getsource(Runner).count("inspect.") == 2
    assert "            caller = inspect.getframeinfo(inspect.stack()[1][0])" in inspect.getsource(Runner.stop)


@pytest.mark.usefixtures("_restored")
def test_runner_stops_without_inspecting_its_caller():
    runner = Environment().create_local_runner()
    locust_patches.lighten_worker()
    runner.state = "running"
    runner.stop()
    assert runner.state == "stopped"


@pytest.mark.parametrize(
    ("ms", "kept"),
    [(0.0, 0.0), (0.2345, 0.23), (0.996, 1.0), (4.56, 4.6), (9.96, 10.0), (10.4, 10), (147, 150), (3432, 3400)],
)
def test_bucket_keeps_two_digits_below_ten_milliseconds(ms: float, kept: float):
    assert locust_patches.bucket(ms) == kept


def test_locust_statistics_use_the_new_buckets(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(locust.stats, "bucket_response_time", locust.stats.bucket_response_time)
    locust_patches.keep_microseconds()
    environment = Environment()
    environment.stats.log_request("TCP", "message", 0.2345, 20)
    assert environment.stats.get("message", "TCP").get_response_time_percentile(0.99) == 0.23


def test_report_interval_can_be_changed_at_run_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(locust.runners, "WORKER_REPORT_INTERVAL", 3.0)
    locust_patches.report_every(1.0)
    assert locust.runners.WORKER_REPORT_INTERVAL == 1.0
    assert "gevent.sleep(WORKER_REPORT_INTERVAL)" in inspect.getsource(WorkerRunner.stats_reporter)


class Idle(User):
    """A user that does nothing."""

    abstract = True


def local_runner() -> LocalRunner:
    return Environment(user_classes=[Idle]).create_local_runner()


def test_users_start_only_if_the_condition_holds(monkeypatch: pytest.MonkeyPatch):
    spawned: list[Any] = []
    runner, allowed = local_runner(), False
    monkeypatch.setattr(runner, "spawn_users", lambda *args, **kwargs: spawned.append((args, kwargs)) or ["a user"])
    locust_patches.spawn_only_if(runner, lambda: allowed)
    assert runner.spawn_users({"Idle": 1}) == []
    allowed = True
    assert runner.spawn_users({"Idle": 2}, wait=True) == ["a user"]
    assert spawned == [(({"Idle": 2},), {"wait": True})]


def test_pinned_locust_release_starts_and_stops_users_by_the_patched_methods():
    for method in (LocalRunner._start, WorkerRunner.start_worker):
        source = inspect.getsource(method)
        assert "self.spawn_users(" in source
        assert "self.stop_users(" in source
    assert list(inspect.signature(Runner.spawn_users).parameters) == ["self", "user_classes_spawn_count", "wait"]
    assert list(inspect.signature(Runner.stop_users).parameters) == ["self", "user_classes_stop_count"]
    assert "self.stop_users(self.user_classes_count)" in inspect.getsource(Runner.stop)


def test_replaced_stop_users_applies_to_one_runner_and_can_call_the_original():
    runner, other = local_runner(), local_runner()
    asked: list[Any] = []

    def stop_users(locusts_own: Any, counts: dict[str, int]) -> None:
        asked.append(counts)
        locusts_own({})

    locust_patches.replace_stop_users(runner, stop_users)
    runner.stop_users({"Idle": 0})
    other.stop_users({})
    assert asked == [{"Idle": 0}]


class Counted(Group):
    """A group with a fixed count."""

    def count_by_class(self) -> dict[type, int]:
        return {Idle: 7}


def test_group_counts_users_if_it_can(monkeypatch: pytest.MonkeyPatch):
    original = inspect.getattr_static(Runner, "user_classes_count")
    monkeypatch.setattr(Runner, "user_classes_count", original)
    locust_patches.count_users_by_group()
    replaced = inspect.getattr_static(Runner, "user_classes_count")
    locust_patches.count_users_by_group()
    assert inspect.getattr_static(Runner, "user_classes_count") is replaced
    runner = local_runner()
    assert runner.user_classes_count == {"Idle": 0}
    locust_patches.replace_user_group(runner, Counted())
    assert runner.user_classes_count == {"Idle": 7}


def test_pinned_locust_release_keeps_users_in_a_replaceable_group():
    assert "self.user_greenlets = Group()" in inspect.getsource(Runner.__init__)
    assert "new_user.start(self.user_greenlets)" in inspect.getsource(Runner.spawn_users)


def test_tasksets_pause_and_run_tasks_through_users_of_the_given_class_only(monkeypatch: pytest.MonkeyPatch):
    for name in ("_sleep", "execute_next_task"):
        monkeypatch.setattr(TaskSet, name, getattr(TaskSet, name))  # as it was, after the test
    calls: list[Any] = []
    monkeypatch.setattr(TaskSet, "_sleep", lambda self, seconds: calls.append(("locust", seconds)))
    monkeypatch.setattr(TaskSet, "execute_next_task", lambda self: calls.append("locust runs"))

    class Ours:
        def pause(self, seconds: float) -> None:
            calls.append(("ours", seconds))

        def run_task(self, execute: Callable[[], None]) -> None:
            calls.append("ours runs")
            execute()

    locust_patches.run_tasks_through(Ours)
    for user in (Ours(), object()):
        tasks = TaskSet.__new__(TaskSet)
        tasks._user = user
        tasks._sleep(3.0)
        tasks.execute_next_task()
    assert calls == [("ours", 3.0), "ours runs", "locust runs", ("locust", 3.0), "locust runs"]


def test_pinned_locust_release_waits_and_runs_tasks_by_the_patched_methods():
    source = inspect.getsource(TaskSet)
    assert "self.execute_next_task()" in source
    assert "self._sleep(" in source


def test_console_table_of_locust_is_silent(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(logging.getLogger("locust.stats_logger"), "level", logging.INFO)
    locust_patches.silence_console_table()
    assert locust.stats.console_logger.level == logging.WARNING


def test_tab_is_added_to_the_template():
    web_ui: Any = SimpleNamespace(template_args={"kept": 1})
    locust_patches.add_tab(web_ui, "held", "Held connections")
    assert web_ui.template_args == {"kept": 1, "extended_tabs": [{"title": "Held connections", "key": "held"}]}
    # Locust merges its own arguments into these, and the page's script reads this name.
    assert "self.template_args = {**self.template_args, **new_template_args}" in inspect.getsource(
        locust.web.WebUI.update_template_args
    )
    assert "extendedTabs" in bundle()


def bundle() -> str:
    """The script of Locust's page."""
    (script,) = (Path(locust.web.__file__).parent / "webui/dist/assets").glob("*.js")
    return script.read_text()


def test_template_arguments_are_changed_at_each_load_of_the_page(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.argv", ["locust"])
    environment = Environment()
    environment.create_local_runner()
    web_ui = WebUI(environment, "127.0.0.1", 0, delayed_start=True)
    locust_patches.change_template_args(web_ui, lambda arguments: arguments.update(state=f"not {arguments['state']}"))
    for _ in range(2):
        page = web_ui.app.test_client().get("/").text
        assert '"state": "not ready"' in page


def test_page_of_the_pinned_release_asks_for_news_only_while_it_spawns_or_runs():
    """So it must never be told of the states in between: it would show them for good."""
    asks = re.search(
        r"(\w+)=(\w+)\.state===(\w+)\.SPAWNING\|\|\2\.state==\3\.RUNNING;.{0,900}?shouldRunInterval:\1\b", bundle()
    )
    assert asks


def test_each_import_of_locusts_report_renderer_gives_our_report(monkeypatch: pytest.MonkeyPatch):
    modules = (locust.html, locust.main, locust.web)
    for module in modules:
        monkeypatch.setattr(module, "get_html_report", module.get_html_report)
    locust_patches.replace_report(lambda: "the first")
    locust_patches.replace_report(lambda: "ours")
    environment = Environment()
    environment.create_local_runner()
    assert {module.get_html_report(environment, theme="dark") for module in modules} == {"ours"}
    assert "Locust" in locust_patches.locusts_report(environment)


def test_before_end_of_body_inserts_a_part():
    assert locust_patches.before_end_of_body("<body>a</body></html>", "<p>") == "<body>a<p></body></html>"
    assert locust_patches.before_end_of_body("no body", "<p>") == "no body<p>"


def test_exception_of_a_listener_is_reported_and_the_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locust.event.EventHook, "fire", locust.event.EventHook.fire)
    seen: list[object] = []
    locust_patches.report_listener_errors(seen.append)
    hook = locust.event.EventHook()
    hook.add_listener(lambda: 1 / 0)
    hook.add_listener(lambda: seen.append("ran"))
    hook.fire()
    assert [type(one) for one in seen] == [ZeroDivisionError, str]
    hook.fire(reverse=True)
    assert seen[2] == "ran"
    hook.add_listener(lambda: (_ for _ in ()).throw(locust.exception.StopUser()))
    with pytest.raises(locust.exception.StopUser):
        hook.fire()


def test_last_listener_runs_last_in_reverse() -> None:
    hook, ran = locust.event.EventHook(), []
    for name in ("theirs", "ours", "later"):
        hook.add_listener(lambda name=name: ran.append(name))
    locust_patches.run_last(hook, hook._handlers[1])
    hook.fire(reverse=True)
    assert ran == ["later", "theirs", "ours"]


def test_locustfiles_are_loaded_through_the_wrapper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locust.main, "load_locustfile", original := locust.main.load_locustfile)
    for _ in range(2):
        locust_patches.load_locustfiles_through(lambda locusts_own, path: (locusts_own, path))
        assert locust.main.load_locustfile("mine.py") == (original, "mine.py")
