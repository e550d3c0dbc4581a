"""`lab check NAME`: one connection plays one round of a scenario against its target, on this machine.

`python -m rawsocket check` plays it, and says each dialogue as a line of JSON; here it is shown.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from lab import folders
from lab.engines.native import processes
from lab.engines.native.deployment import PYTHON
from lab.errors import EXIT_LAB_FAILED, EXIT_MISSED, EXIT_OK, EXIT_USAGE, LabError, UsageError, last_lines
from lab.progress import WAIT_LINE, message, say
from lab.run import terminal
from lab.settings import Settings
from rawsocket.check import text
from rawsocket.check.dialogue import Dialogue

CODES = (EXIT_OK, EXIT_LAB_FAILED, EXIT_USAGE, EXIT_MISSED)


def run(chosen: Settings) -> int:
    """Play it, show it, and give the exit code: 0, 3 if the server did not do what the scenario says."""
    scenario, target = chosen["SCENARIO"], chosen["TARGET"]
    if not target and chosen.user_server:
        raise UsageError(
            f"{chosen.user_server} is started by up, load and ci, and a check needs a server that runs: after "
            f"`{folders.command('up')}` with these settings, give TARGET=tcp://127.0.0.1:{chosen['SERVER_PORT']} alone"
        )
    if not target:
        raise UsageError(
            f"{scenario} names no target, and the lab's own server is not checked: say which server to play it "
            "against, as in TARGET=tcp://127.0.0.1:9000 (in a conversation: target: tcp://127.0.0.1:9000)"
        )
    if chosen["NETWORK"]:
        raise UsageError(
            f"NETWORK={chosen['NETWORK']} is out of this machine's reach, where a check runs: publish the server's "
            "port and leave NETWORK out; `load` and `ci` check the scenario from inside before they run it"
        )
    say(f"One connection plays {scenario} once against {target} ...")
    return _play(chosen)


def _play(chosen: Settings) -> int:
    environ = {**os.environ, **processes.places(), **chosen.values, "HOLDFAST_PROGRESS": "json"}
    command = [*PYTHON, "rawsocket", "check"]
    with subprocess.Popen(
        command, cwd=folders.work(), env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                _show(line.rstrip("\n"), chosen.verbose)
            said = process.stderr.read() if process.stderr else ""
            code = process.wait()
        finally:
            process.kill()
    if code == EXIT_USAGE and said.strip():
        raise UsageError(last_lines(said, 1))
    if code not in CODES:
        raise LabError(f"the check ended with unexpected code {code}", said)
    if said.strip():
        say(said.rstrip())
    return code


def _show(line: str, everything: bool) -> None:
    found = message(line)
    if "check" in found:
        show(found["check"], everything)
    elif WAIT_LINE.match(line):
        say(line)


def show(document: Mapping[str, Any], everything: bool = False) -> Dialogue:
    """Write a dialogue to the console, and return it."""
    dialogue = Dialogue.read(document)
    terminal.write(text.lines(dialogue, terminal.width(sys.stdout), everything), sys.stdout)
    return dialogue


def words(argv: list[str]) -> Iterator[str]:
    """Yield the words of a command line in which `check NAME` is `check --scenario NAME`."""
    for at, word in enumerate(argv):
        if at == 1 and argv[0] == "check" and not word.startswith("-") and "=" not in word:
            yield "--scenario"
        yield word
