"""Tells the master of containers that have ended: the engine knows their exit codes, and whether memory was lacking.

The master reads a file in its folder of runs (lab/engines/lab_facts.py). That folder is a volume, so the file is put
there through the engine, complete each time: an archive can't add to a file.
"""

from collections.abc import Iterable

from lab.engines import lab_facts
from lab.engines.docker.container import ContainerPart

RUNS = "/runs"
LINES = 5  # read from the end of a log; the last line with text is shown


class EndedContainers:
    """The containers of one run that have ended."""

    def __init__(self) -> None:
        self._facts: dict[str, str] = {}  # of each container, a line of the file
        self._told = 0

    def note(self, parts: Iterable[ContainerPart], *, user_server: bool = False) -> None:
        """Note which of them have ended, unless they were asked to: that is 0. Raises errors of the SDK.

        `user_server`: the server is the user's own, which may end with 0 by itself.
        """
        for part in parts:
            if part.role == "master" or part.name in self._facts or (code := part.exit_code()) is None:
                continue
            if code or (user_server and part.role == "server"):
                lacked = part.lacked_memory()
                self._facts[part.name] = lab_facts.line(
                    lab_facts.fact(part.service, code, part.log(LINES), out_of_memory=lacked)
                )

    @property
    def is_news(self) -> bool:
        """Whether the master has not been told of all of them."""
        return self._told < len(self._facts)

    def tell(self, master: ContainerPart) -> None:
        """Put the file into the master's folder. Raises errors of the SDK; then it is still to be told."""
        master.put_file(RUNS, lab_facts.NAME, "".join(self._facts.values()).encode())
        self._told = len(self._facts)
