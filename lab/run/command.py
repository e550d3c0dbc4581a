"""One run (`load`, `ci`): a lab of its own, without the page, whose verdict is the exit code."""

import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from lab import folders
from lab.engines import identity
from lab.engines.base import Engine
from lab.engines.deployment import Deployment
from lab.engines.docker.client import FAILURES
from lab.errors import EXIT_INTERRUPTED, EXIT_LAB_FAILED, EXIT_USAGE, Interrupted, LabError, UsageError
from lab.progress import note, say
from lab.reports import index, origin
from lab.run import capacity, folder, load_shape
from lab.run.console import Console
from lab.settings import Settings


class Beside:
    """What goes on beside a run: nothing. A drill is another one."""

    def relaying(self, relay: Callable[[str], None]) -> Callable[[str], None]:
        """Return the relay of the master's lines."""
        return relay

    def beside(self, lab: Deployment) -> AbstractContextManager[None]:
        """Return what goes on while the run does."""
        return nullcontext()


def run(verb: str, engine: Engine, chosen: Settings, company: Beside | None = None) -> int:
    """Run it, keep its artefacts below runs/, and give its exit code. `company` goes on beside it, such as a drill."""
    company = company or Beside()
    if engine.running():
        up = folders.command("up")
        note(f"A lab is up (`{up}`): this run leaves it alone and starts a server and workers of its own.")
    remove_abandoned(engine)
    if line := capacity.warning(chosen):
        note(line)
    name = folder.name(verb)
    artefacts = folder.create(name)
    project = f"{identity.project()}-{verb}-{name.split('-')[0].lower()}-{os.getpid()}"
    console, failure, interrupted = Console(_title(chosen)), "", False
    try:
        code = engine.run(project, company.relaying(console.relay), artefacts, company.beside)
        if console.refused is not None:
            failed = "the check before the run has failed, so no load was made; CHECK=no skips it"
            say(f"{folders.prefix()} {verb}: {failed}")
            folder.discard(artefacts)
            return code
        if code == EXIT_USAGE and (reason := console.take_last()):
            raise UsageError(reason)
    except UsageError as error:
        console.forget(str(error))
        folder.discard(artefacts)  # the run did not start
        raise
    except (LabError, *FAILURES) as error:
        if not console.has_result:
            raise
        code, failure = EXIT_LAB_FAILED, str(error)  # the run itself was complete: its verdict is known
    except Interrupted:
        interrupted = True
        raise
    finally:
        console.close()
        unfinished = _finish(artefacts, engine, verb, chosen)
        if interrupted:
            _say_interrupted(console, artefacts, chosen)
    if failure or unfinished:
        code = EXIT_LAB_FAILED
    console.conclude(
        _report(artefacts), _trouble(console, artefacts, failure or unfinished, code), code, chosen.verbose
    )
    return code


def _report(artefacts: Path) -> str:
    """Return the path of the report as it is shown, "" if there is none."""
    found = artefacts / "report.html"
    return str(found.relative_to(folders.work())) if found.is_file() else ""


def _say_interrupted(console: Console, artefacts: Path, chosen: Settings) -> None:
    """Write the result of a run that was interrupted, if its master has still written one."""
    verdict = artefacts / "verdict.json"
    if verdict.is_file():
        console.take_result(json.loads(verdict.read_text()))
        console.conclude(_report(artefacts), "", EXIT_INTERRUPTED, chosen.verbose)


def _title(chosen: Settings) -> str:
    """Return what is run, for the first line of the block on a terminal."""
    against = chosen["TARGET"] or chosen.user_server or f"MODEL={chosen['MODEL']}"
    shape = load_shape.of(chosen)
    users = shape.text if shape else f"{chosen['USERS']} users"
    return f"{chosen['SCENARIO']}: {users}, {chosen['WORKERS']} workers, {against}"


def _finish(artefacts: Path, engine: Engine, verb: str, chosen: Settings) -> str:
    """Say where the artefacts are and add the host's part; return what could not be written, ""."""
    if not artefacts.exists():
        return ""
    say(f"Artefacts: {artefacts.relative_to(folders.work())}/ (also runs/latest)")
    try:
        folder.finish(artefacts, engine.name, verb, origin.repeat(verb, chosen, os.environ), engine.about)
        index.update(artefacts, int(chosen["KEEP"]))
    except LabError as error:
        return str(error)
    return ""


def _trouble(console: Console, artefacts: Path, failure: str, code: int) -> str:
    """Return the line that names the missing files, or another failure after the run; "" if all is there."""
    missing = console.missing(artefacts)
    if not missing:
        return f"{failure} (exit code {code})" if failure else ""
    why = console.trouble or failure or "the master did not write them"
    return f"could not write {', '.join(missing)} in {artefacts.relative_to(folders.work())}: {why} (exit code {code})"


def remove_abandoned(engine: Engine) -> None:
    """Remove what runs have left whose lab was killed, and say so."""
    for name in engine.remove_abandoned():
        note(f"Removed what {name} had left: its lab was killed.")
