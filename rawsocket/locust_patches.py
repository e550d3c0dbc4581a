"""All changes to Locust itself. Tests pin each change to the one supported Locust release.

Each function below makes one change and says what it is for. None of them adds a listener: attach.py does that.
"""

import functools
import gc
import logging
from collections.abc import Callable, Sequence
from typing import Any

import locust.event
import locust.html
import locust.main
import locust.runners
import locust.stats
import locust.web
from gevent import Greenlet
from gevent.pool import Group
from locust import TaskSet, argument_parser
from locust.env import Environment
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, RPCError, StopTest, StopUser
from locust.rpc.protocol import Message
from locust.rpc.zmqrpc import BaseSocket, Server
from locust.runners import STATE_RUNNING, STATE_SPAWNING, MasterRunner, Runner
from locust.web import WebUI
from zmq import ZMQError

GC_THRESHOLDS = (20_000, 20, 50)
Counts = dict[str, int]
StopUsers = Callable[[Callable[[Counts], None], Counts], None]


# -- in every process that `python -m rawsocket` starts --------------------------------------------------------------


def read_no_config_files() -> None:
    """Let Locust read no configuration file: `headless = true` in ~/.locust.conf would keep the page from coming up."""
    argument_parser.get_empty_argument_parser.__defaults__ = (True, [])
    argument_parser.get_parser.__defaults__ = ([],)


def hide_warnings() -> None:
    """Hide warnings of Locust's that don't apply here, each by its beginning.

    Its own user classes cost so much at their start that 100 a second are many; ours are measured at 25 times as many.
    Descriptors are checked against the number of users before a run (worker/limits.py), and HeadlessRun says which
    settings a load shape ignores.
    """
    for name in ("locust.main", "locust.runners"):
        logging.getLogger(name).addFilter(_applies)


_NOT_HERE = (
    "Your selected spawn rate is very high",
    "System open file limit",
    "--run-time, --users or --spawn-rate have no impact on LoadShapes",
    "The following option(s) will be ignored",
)


def _applies(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_NOT_HERE)


def prepare_sockets_through(prepare: Callable[[Any], None]) -> None:
    """Call `prepare(socket)` with each socket between master and workers, before it is bound or connected."""
    original = getattr(BaseSocket.__init__, "__wrapped__", BaseSocket.__init__)

    @functools.wraps(original)
    def __init__(self: BaseSocket, sock_type: int, ipv4_only: bool) -> None:
        original(self, sock_type, ipv4_only)
        prepare(self.socket)

    BaseSocket.__init__ = __init__  # type: ignore[method-assign]


# -- on a worker ------------------------------------------------------------------------------------------------------


def lighten_worker() -> None:
    """Remove three costs, each of which blocks the hub, for the life of this process.

    - Each `spawn` message rebuilds the whole command line parser once per option: 95 to 137 ms, once a second all
      through a ramp. The defaults don't change while the process runs, so they are kept.
    - Stopping asks `inspect.stack()` for its caller, for a line at debug level: 25 to 50 ms, while connections are
      still held. Locust accepts that the call fails.
    - Python's collector visits all young objects every 700 allocations, and all objects from time to time: 25 to 50 ms
      at 10,000 users. It runs less often; users/arrivals.py excludes the users from it.
    """
    if not hasattr(argument_parser.default_args_dict, "cache_info"):
        argument_parser.default_args_dict = functools.cache(argument_parser.default_args_dict)
    setattr(locust.runners, "inspect", None)  # noqa: B010 - for mypy it is no name of that module
    gc.set_threshold(*GC_THRESHOLDS)


def report_every(seconds: float) -> None:
    """Set the interval of a worker's reports to its master; Locust's own is 3 s."""
    locust.runners.WORKER_REPORT_INTERVAL = seconds


def spawn_only_if(runner: Runner, allowed: Callable[[], bool]) -> None:
    """Start users only while `allowed()`; Locust has no way to refuse a run on a worker."""
    spawn_users: Callable[..., Any] = runner.spawn_users

    def guarded(*args: Any, **kwargs: Any) -> Any:
        return spawn_users(*args, **kwargs) if allowed() else []

    runner.spawn_users = guarded  # type: ignore[method-assign]


def replace_user_group(runner: Runner, group: Group) -> None:
    """Keep the runner's users in `group`, which may have a faster `count_by_class()`; see `count_users_by_group()`."""
    runner.user_greenlets = group


def count_users_by_group() -> None:
    """Let a group of users that has `count_by_class()` count the users of each class.

    Locust walks all users for that: 16 to 35 ms at 10,000, with each spawn, stop and report. Other groups are counted
    as before.
    """
    if isinstance(vars(Runner)["user_classes_count"], _CountByGroup):
        return
    setattr(Runner, "user_classes_count", _CountByGroup(vars(Runner)["user_classes_count"]))  # noqa: B010


class _CountByGroup(property):
    """Replaces `Runner.user_classes_count`."""

    def __init__(self, original: property) -> None:
        super().__init__(lambda runner: _count(runner, original))


def _count(runner: Runner, original: property) -> Counts:
    count_by_class = getattr(runner.user_greenlets, "count_by_class", None)
    if count_by_class is None:
        return dict(original.__get__(runner))
    counts = count_by_class()
    return {user_class.__name__: counts[user_class] for user_class in runner.user_classes}


def replace_stop_users(runner: Runner, stop_users: StopUsers) -> None:
    """Let `stop_users(locusts_own, counts)` stop users by class; Locust's own takes a greenlet for each user."""
    runner.stop_users = functools.partial(stop_users, runner.stop_users)  # type: ignore[method-assign]


def run_tasks_through(user_class: Any) -> None:
    """Let the TaskSets of these users wait with `user.pause(seconds)` and run a task with `user.run_task(execute)`.

    A user can override neither in Locust. TaskSets of other users do both as before.
    """
    tasksets: Any = TaskSet  # Locust doesn't type these two methods
    sleep, execute_next_task = tasksets._sleep, tasksets.execute_next_task

    def pause(self: TaskSet, seconds: float) -> None:
        if isinstance(self.user, user_class):
            self.user.pause(seconds)
        else:
            sleep(self, seconds)

    def run_next_task(self: TaskSet) -> None:
        if isinstance(self.user, user_class):
            self.user.run_task(lambda: execute_next_task(self))
        else:
            execute_next_task(self)

    tasksets._sleep, tasksets.execute_next_task = pause, run_next_task


# -- on the master ----------------------------------------------------------------------------------------------------

Read = Callable[[Sequence[bytes]], tuple[str, Message] | None]
Failed = Callable[[str, Message, Exception], None]


def read_messages_through(read: Read, failed: Failed) -> None:
    """Let `read(frames)` decode what workers send, and `failed(sender, message, error)` take what a handler raises.

    In Locust, either ends the greenlet that reads all messages. One that can't be decoded is answered by handling the
    message before it once more.
    """
    handle = getattr(MasterRunner.handle_message, "__wrapped__", MasterRunner.handle_message)

    def recv_from_client(self: Any) -> tuple[str, Message]:
        while True:
            try:
                frames = self.socket.recv_multipart()
            except ZMQError as error:
                raise RPCError("ZMQ network broken") from error
            if (found := read(frames)) is not None:
                return found

    @functools.wraps(handle)
    def handle_message(self: MasterRunner, client_id: str, msg: Message) -> None:
        try:
            handle(self, client_id, msg)
        except PASSED_ON:
            raise
        except Exception as error:
            failed(client_id, msg, error)

    Server.recv_from_client = recv_from_client  # type: ignore[method-assign]
    MasterRunner.handle_message = handle_message  # type: ignore[method-assign]


# -- events and locustfiles -------------------------------------------------------------------------------------------

PASSED_ON = (StopUser, StopTest, RescheduleTask, RescheduleTaskImmediately, InterruptTaskSet)  # as in Locust


def report_listener_errors(report: Callable[[BaseException], None]) -> None:
    """Call `report` with each exception of a listener. Locust only logs it, each time with its traceback."""

    def fire(self: locust.event.EventHook, *, reverse: bool = False, **kwargs: Any) -> None:
        for handler in self._handlers[::-1] if reverse else self._handlers.copy():
            try:
                handler(**kwargs)
            except PASSED_ON:
                raise
            except Exception as error:
                report(error)

    locust.event.EventHook.fire = fire  # type: ignore[method-assign]


def run_last(hook: locust.event.EventHook, listener: Callable[..., Any]) -> None:
    """Let a listener of an event that is fired in reverse run after all others, whenever they were added."""
    hook._handlers.remove(listener)
    hook._handlers.insert(0, listener)


def load_locustfiles_through(wrapper: Callable[[Callable[[str], Any], str], Any]) -> None:
    """Load locustfiles with `wrapper(locusts_own, path)`; Locust lets their exceptions end it with a traceback."""
    module: Any = locust.main
    original = getattr(module.load_locustfile, "__wrapped__", module.load_locustfile)
    module.load_locustfile = functools.update_wrapper(functools.partial(wrapper, original), original)


# -- statistics -------------------------------------------------------------------------------------------------------

_coarse = locust.stats.bucket_response_time


def keep_microseconds() -> None:
    """Make Locust's statistics finer below 10 ms; see "customizing response time bucketing" in its documentation.

    Its table keeps times above 10 ms to two digits. Whole milliseconds below would show most latencies of a nearby
    server as 0.
    """
    locust.stats.bucket_response_time = bucket  # type: ignore[assignment]


def bucket(ms: float) -> float:
    """Round milliseconds to two significant digits, to 10 us below 1 ms: 0.2345 becomes 0.23, 4.56 4.6, and 147 150."""
    if ms < 1:
        return round(ms, 2)
    return round(ms, 1) if ms < 10 else _coarse(ms)


def silence_console_table() -> None:
    """Keep Locust's own table off the console, because ours is printed."""
    logging.getLogger("locust.stats_logger").setLevel(logging.WARNING)


# -- page and report --------------------------------------------------------------------------------------------------


def add_tab(web_ui: WebUI, key: str, title: str) -> None:
    """Add an empty tab to the page; Locust fills a tab with tables only, and ours needs more (see master/page)."""
    web_ui.template_args.update(extended_tabs=[{"title": title, "key": key}])


def change_template_args(web_ui: WebUI, change: Callable[[dict[str, Any]], None]) -> None:
    """Let `change` alter what Locust's page is made from, each time that it is loaded."""
    update = web_ui.update_template_args

    def update_template_args() -> None:
        update()
        change(web_ui.template_args)

    web_ui.update_template_args = update_template_args  # type: ignore[method-assign]


def end_ramp_with_run_time(web_ui: WebUI) -> None:
    """Stop starting users when the run time is over, as Locust does when Stop is pressed.

    Locust's timer only stops the runner. A ramp that still goes on would start users on the stopped workers, and the
    run would have no end.
    """
    stop_runners = web_ui._stop_runners

    def stop() -> None:
        if web_ui._swarm_greenlet is not None:
            web_ui._swarm_greenlet.kill(block=True)
            web_ui._swarm_greenlet = None
        stop_runners()

    web_ui._stop_runners = stop  # type: ignore[method-assign]


def start_no_users_after_stop(runner: MasterRunner) -> None:
    """Start no users once the run is being stopped.

    Locust sends that message in a greenlet of its own, which may come after those that stop: the users would stay.
    """
    send = runner.server.send_to_client

    def send_in_time(message: Message) -> None:
        if message.type != "spawn" or runner.state in (STATE_SPAWNING, STATE_RUNNING):
            send(message)

    runner.server.send_to_client = send_in_time


def ramp_from_elsewhere(web_ui: WebUI, ramp: Greenlet) -> None:
    """Let Locust's page end a ramp that it has not begun itself, as it ends its own: at Stop, at a change of users."""
    web_ui._swarm_greenlet = ramp


def replace_report(page: Callable[[], str]) -> None:
    """Let `page()` take the place of Locust's HTML report; a second call replaces the first.

    Locust imports `get_html_report` by name into three modules, so all three names are replaced. They serve the page's
    report, its download and `--html`.
    """
    original = _locusts_report()

    def get_html_report(*args: Any, **kwargs: Any) -> str:
        return page()

    get_html_report.__wrapped__ = original  # type: ignore[attr-defined]
    for module in (locust.html, locust.main, locust.web):
        module.get_html_report = get_html_report  # type: ignore[attr-defined]


def locusts_report(environment: Environment) -> str:
    """Return Locust's own HTML report."""
    return str(_locusts_report()(environment, show_download_link=False))


def _locusts_report() -> Any:
    return getattr(locust.html.get_html_report, "__wrapped__", locust.html.get_html_report)


def before_end_of_body(page: str, part: str) -> str:
    """Put `part` before the end of an HTML page's body, or at the end of a page that has none."""
    at = page.rfind("</body>")
    return page + part if at < 0 else page[:at] + part + page[at:]
