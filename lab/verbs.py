"""What each verb of the command does, apart from the benchmarks."""

from collections.abc import Callable

from lab import folders, tls
from lab.drills import drill_of_run
from lab.engines.base import Engine
from lab.engines.choose import engine_for
from lab.engines.docker.client import FAILURES
from lab.engines.native.engine import NativeEngine
from lab.errors import EXIT_LAB_FAILED, EXIT_OK, LabError
from lab.progress import note, result, say
from lab.reports import index, origin
from lab.run import capacity, check, folder, load_shape
from lab.run.command import remove_abandoned, run
from lab.settings import Settings
from lab.user_server import settings as user_server

VERBS = {
    "setup": "prepare the images (done by `up` and the runs as well)",
    "up": "start the lab and say where its page is",
    "down": "stop the lab that `up` started",
    "check": "play a scenario once against your server, and show every byte",
    "record": "record a client's dialogue with your server as a conversation",
    "import": "make a conversation of a capture: import dump.pcap NAME",
    "load": "run a load without the page, in a lab of its own",
    "ci": "the CI run: a load whose verdict is the exit code",
    "drill": "break something in a run, and verify its recovery: drill NAME, list or all",
    "report": "compare runs on one page: report runs/A runs/B ...",
    "eject": "write a conversation as a session in Python: eject NAME [FILE]",
    "new": "write a folder to work in: a conversation, a scenario, a CI workflow",
    "status": "show what runs",
    "logs": "print the logs of the lab that `up` started",
    "clean": "remove all containers, networks, volumes and images of the lab",
    "bench-load": "measure the load generator against its peers, as local processes",
    "bench-server": "measure the select server against its peers, as local processes",
}


def do(verb: str, chosen: Settings) -> int:
    """Do what the verb asks for; gives the exit code."""
    if verb in ("load", "ci"):
        load_shape.check_window(chosen)
        capacity.check_held(chosen)
    if verb in ("up", "load", "ci", "check"):
        chosen = tls.prepared(chosen)
    if verb == "check":
        return check.run(chosen)
    if verb == "clean":
        return _clean(chosen)
    engine = engine_for(verb, chosen)
    if verb in ("up", "load", "ci"):
        engine.check()
        capacity.check_memory(chosen, capacity.memory_limit(chosen, engine.name))
    if verb in ("up", "load", "ci") and chosen["TARGET"]:
        say(f"Target: {chosen['TARGET']} (the lab's own server is not started)")
    if verb in ("up", "load", "ci") and chosen.user_server:
        say(f"Server: {chosen.user_server} (the lab's own server is not started)")
    if verb in ("load", "ci"):
        return run(verb, engine, chosen, drill_of_run.drill_runner(engine.name, chosen))
    try:
        _DO[verb](engine, chosen)
    finally:
        _finish_runs(engine, chosen)
    return EXIT_OK


def _finish_runs(engine: Engine, chosen: Settings) -> None:
    """Add the host's part to the files of runs from the page that were brought home, and list them."""
    for name in engine.brought_home:
        repeat = origin.repeat_from_page(engine.given, origin.environment(engine.runs / name).get("settings", {}))
        folder.finish(engine.runs / name, engine.name, "up", repeat, engine.about)
        index.update(engine.runs / name, int(chosen["KEEP"]))


def _setup(engine: Engine, chosen: Settings) -> None:
    engine.setup()


def _up(engine: Engine, chosen: Settings) -> None:
    remove_abandoned(engine)
    if drill := drill_of_run.named(chosen):
        say(f"DRILL={drill.name} is for load and ci: runs from the page have no drill")
    result(f"The lab is up ({engine.name}): {engine.up()}")
    if chosen.user_server:
        own_port = user_server.listen(chosen.values)[0] if engine.name == NativeEngine.name else 0
        say(f"Your server is at 127.0.0.1:{own_port or chosen['SERVER_PORT']}")
    elif chosen.own_server:
        port = chosen["SERVER_PORT"]
        client = f"nc 127.0.0.1 {port}"
        if chosen.encrypted:
            client = f"openssl s_client -quiet -CAfile {chosen['TLS_CA']} -connect 127.0.0.1:{port}"
        say(f"Its server is at 127.0.0.1:{port}; try: {client}, and type a line")
    if chosen.watched and engine.name == NativeEngine.name:
        say(f"No Grafana without containers: with a Prometheus of your own, {chosen.scrape}")
    status, down = folders.command("status"), folders.command("down")
    fetched = "" if engine.name == NativeEngine.name else f"; `{status}` and `{down}` fetch them from the containers"
    note(f"The files of runs from the page go to runs/{fetched}")


def _down(engine: Engine, chosen: Settings) -> None:
    result("The lab is down." if engine.down() else "No lab was up.")
    for each in _engines(engine, chosen):
        remove_abandoned(each)


def _status(engine: Engine, chosen: Settings) -> None:
    lines = [line for each in _engines(engine, chosen) for line in each.status()]
    for line in lines or ["Nothing runs."]:
        result(line)


def _logs(engine: Engine, chosen: Settings) -> None:
    logs = engine.logs()
    for name, text in logs:
        for line in text.splitlines():
            result(f"{name} | {line}")
    if not logs:
        latest = folders.work() / "runs/latest/logs"
        where = "The logs of the last run are in runs/latest/logs/." if latest.is_dir() else "No run has left logs."
        say(f"No lab is up. {where}")


def _clean(chosen: Settings) -> int:
    """Remove what can be removed, and say what could not; gives the exit code."""
    try:
        engines, problem = _engines(engine_for("clean", chosen), chosen), ""
    except LabError as error:  # an engine that refuses us, or that is named and does not answer
        engines, problem = [NativeEngine(chosen)], str(error)
    for each in engines:
        try:
            each.bring_home()
            _finish_runs(each, chosen)
            remove_abandoned(each)
            for line in each.clean():
                result(f"removed {line}")
        except (LabError, *FAILURES) as error:
            problem = str(error)
    if problem:
        say(f"{folders.prefix()} clean: containers, networks, volumes and images may be left: {problem}")
    return EXIT_LAB_FAILED if problem else EXIT_OK


def _engines(engine: Engine, chosen: Settings) -> list[Engine]:
    """Return the engines that may have left something: local processes may be there whatever the engine is now."""
    return [NativeEngine(chosen), engine] if engine.name != NativeEngine.name else [engine]


_DO: dict[str, Callable[[Engine, Settings], None]] = {
    "setup": _setup,
    "up": _up,
    "down": _down,
    "status": _status,
    "logs": _logs,
}
