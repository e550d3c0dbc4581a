"""`python fake_run.py VERDICT ARGUMENTS`: the command of the lab, with an engine that only relays a master's lines.

VERDICT is passed, failed or unknown; `held` is a run that goes on until it is interrupted. In a folder of its own.
"""

import json
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import lab.__main__ as command
from lab import folders, verbs
from lab.progress import step
from lab.run import capacity, folder
from tests.support import verdicts
from tests.support.fake_engine import FakeEngine


class _Engine(FakeEngine):
    """Relays the lines of a run with an alert from another thread, as engines do."""

    def run(self, name: str, relay: Callable[[str], None], folder: Path, beside: object = None) -> int:
        verdict = sys.argv[1]
        document = getattr(verdicts, verdict if verdict != "held" else "passed")()
        *seconds, result = verdicts.lines(document, 8, ("report.html", "summary.md"), "")
        alert = json.dumps({"progress": verdicts.second(8.0, 52.0, status="in trouble", alerts=[verdicts.ALERT])})
        with step("Starting server, master and workers"):
            pass
        lines = [*seconds, "master: a warning", alert, *([] if verdict == "held" else [result])]
        relaying = threading.Thread(target=lambda: [relay(line) for line in lines])
        try:
            relaying.start()  # its lines may bring an interrupt before this returns
            relaying.join()
            if verdict == "held":
                threading.Event().wait()
        finally:
            with step("Removing the lab's containers"):
                for name in ("report.html", "summary.md"):
                    (folder / name).write_text("")
        return int(document["exit_code"])


def main() -> int:
    """Run the command."""
    runs = Path(tempfile.mkdtemp())
    folders.work = lambda: runs
    folders.is_clone = lambda: True
    folder.create.__defaults__ = (runs / "runs",)
    capacity.warning = lambda chosen: ""
    engine = _Engine()
    verbs.engine_for = lambda verb, chosen: engine
    return command.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
