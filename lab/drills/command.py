"""`drill NAME`, `drill list` and `drill all`: faults in runs of their own, whose recovery is the exit code."""

import contextlib
import os
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from typing import Any

from lab import folders, tls
from lab.drills import ended_run, results_pages, series
from lab.drills.drill import Drill
from lab.drills.runner import DrillRunner, run_s, server_name
from lab.drills.table import DRILLS, by_name
from lab.engines.base import Engine
from lab.engines.choose import engine_for
from lab.errors import EXIT_OK, UsageError
from lab.inputs import conversation, scenario_settings, usage
from lab.progress import result, say
from lab.run import capacity, load_shape
from lab.run.command import run as run_load
from lab.settings import Settings
from rawsocket.settings.suggestion import suggestion

ALL, LIST = "all", "list"
VERB = "drill"


def add_flags(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("name", metavar="NAME", help="a drill; list: name them all; all: run those that apply in turn")
    usage.add_flags(parser, ())


def run(arguments: Mapping[str, Any]) -> int:
    """Do what the name asks for; gives the exit code."""
    flags = dict(arguments)
    name = flags.pop("name")
    if name == LIST:
        width = max(len(drill.name) for drill in DRILLS)
        for drill in DRILLS:
            result(f"{drill.name:<{width}}  {drill.text}")
        return EXIT_OK
    known = by_name()
    if name != ALL and name not in known:
        list_ = folders.command(VERB, "NAME=list") if folders.is_clone() else f"{folders.program()} {VERB} {LIST}"
        raise UsageError(f"there is no drill {name}{suggestion(name, known)}: `{list_}` names them")
    chosen = scenario_settings.added(conversation.read(flags, "load"), flags)
    _check(chosen)
    chosen = tls.prepared(_own_time(chosen))
    engine = engine_for("load", chosen)
    engine.check()
    if name == ALL:
        return _all(engine, chosen)
    drill = known[name]
    if why := drill.refusal(engine.name, chosen) or drill.prepare(chosen):
        raise UsageError(f"{name} can't run here: {why}")
    return _one(drill, engine, chosen)


def _own_time(chosen: Settings) -> Settings:
    """Leave out how long the fault of another drill lasts: that of the conversation's or the scenario's file."""
    return chosen if "FOR" in chosen.given else Settings({**chosen.values, "FOR": ""}, chosen.given)


def _check(chosen: Settings) -> None:
    """Refuse what a drill decides by itself: users and time."""
    if "DRILL" in chosen.given:
        raise UsageError(f"DRILL={chosen['DRILL']} is for load and ci: `drill NAME` names the drill: leave DRILL out")
    if "TIME" in chosen.given:
        raise UsageError(
            f"TIME={chosen['TIME']}: a drill ends its run when it has recovered; FOR is the length of the fault, "
            "RECOVER the most that it waits: leave TIME out"
        )
    if shape := load_shape.of(chosen):
        raise UsageError(f"a drill needs a steady load, and this scenario has a load shape ({shape.text})")
    capacity.check_held(chosen)


def _one(drill: Drill, engine: Engine, chosen: Settings) -> int:
    """Run one drill in a run of its own."""
    time = f"{chosen.ramp_seconds + run_s(drill, chosen):.0f}s"
    settings = Settings({**chosen.values, **drill.changes, "TIME": time}, chosen.given)
    engine.settings = settings
    drill_runner = DrillRunner(drill, engine.name, settings)
    with _set(drill.environ):
        code = run_load(VERB, engine, settings, drill_runner)
    return ended_run.judge(drill_runner, drill, code, server_name(settings, engine.name)) if drill.ends_run else code


@contextlib.contextmanager
def _set(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables of the server for the block, those that are not set already."""
    unset = {name: text for name, text in variables.items() if not os.environ.get(name)}
    os.environ.update(unset)
    try:
        yield
    finally:
        for name in unset:
            del os.environ[name]


def _all(engine: Engine, chosen: Settings) -> int:
    """Run those that apply, and write the page; the exit code is the worst of them."""
    refused = dict(_refused(engine, chosen))
    for name, why in refused.items():
        say(f"{name}: left out: {why}")
    outcomes = series.run(
        [drill for drill in DRILLS if drill.name not in refused], lambda one: _one(one, engine, chosen)
    )
    texts = [(drill.name, drill.text) for drill in DRILLS]
    file = results_pages.write(folders.work() / "runs", texts, server_name(chosen, engine.name), refused)
    for line in series.table(outcomes):
        result(line)
    result(f"Drills: {folders.shown(file)}")
    return series.worst(outcomes)


def _refused(engine: Engine, chosen: Settings) -> Iterator[tuple[str, str]]:
    for drill in DRILLS:
        if why := drill.refusal(engine.name, chosen) or drill.prepare(chosen):
            yield drill.name, why
