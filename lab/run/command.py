"""One run (`load`, `ci`): a lab of its own, without the page, whose verdict is the exit code."""

import os

from lab import settings
from lab.engines import identity
from lab.engines.base import Engine
from lab.errors import EXIT_USAGE, UsageError
from lab.progress import say
from lab.run import capacity, folder
from lab.run.console import Console
from lab.settings import Settings


def run(verb: str, engine: Engine, chosen: Settings) -> int:
    """Run it, keep its artefacts below runs/, and give its exit code."""
    if engine.running():
        say("A lab is up (`make up`): this run leaves it alone and starts a server and workers of its own.")
    remove_abandoned(engine)
    if line := capacity.warning(chosen):
        say(line)
    name = folder.name(verb)
    artefacts = folder.create(name)
    project = f"{identity.project()}-{verb}-{name.split('-')[0].lower()}-{os.getpid()}"
    console = Console()
    try:
        code = engine.run(project, console.relay, artefacts)
        if code == EXIT_USAGE and (reason := console.take_last()):
            raise UsageError(reason)
    except UsageError as error:
        console.forget(str(error))
        folder.discard(artefacts)  # the run did not start
        raise
    finally:
        console.flush()
        if artefacts.exists():
            say(f"Artefacts: {artefacts.relative_to(settings.ROOT)}/ (also runs/latest)")
            folder.finish(artefacts, engine.name, verb)
    return code


def remove_abandoned(engine: Engine) -> None:
    """Remove what runs have left whose lab was killed, and say so."""
    for name in engine.remove_abandoned():
        say(f"Removed what {name} had left: its lab was killed.")
