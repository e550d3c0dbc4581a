"""`make test`: all tests, in parts that run at the same time; `make test ONLY=server,load` runs some of the parts,
`make test COVERAGE=yes` also prints how much of each package was run.

Most tests wait: for processes to start, for containers, for time to pass. So several pytest processes run at once. Each
is of one part, because importing Locust patches the process; those of a large part share its tests
(support/sharing.py). A test that measures time or CPU is marked `alone`: those run last, one at a time.
The output of a part's processes is printed when the last of them has ended.

A run of all tests keeps every processor busy for minutes, and a wait in a test may then run out. So where at most
`AGAIN` tests failed, they run again, alone: one that fails again has failed; one that passes is a `rerun` in the
totals, and is named.

A test that needs an engine, a Chromium or a server of tests/real is skipped where there is none, and says so; with
HOLDFAST_REQUIRE=docker,chromium,servers it fails instead.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support import measured  # noqa: E402

#: Name of each part: its folders, and the number of processes that share their tests.
PARTS: dict[str, tuple[list[str], int]] = {
    "containers": (["tests/containers"], 3),
    "load": (["tests/rawsocket", "tests/locustfiles"], 3),
    "lab": (["tests/lab", "tests/bench", "tests/holdfast", "tests/conversations"], 4),
    "server": (["tests/server"], 2),
    "browser": (["tests/browser"], 1),
    "real": (["tests/real"], 1),
    "meta": (["tests/meta"], 1),
}
#: Processes that run at once: the tests need a quarter of a core each.
AT_ONCE = 4 * (os.cpu_count() or 1) + 1
#: So many processes of the parts with the longest tests start first: short tests fill the end.
FIRST = {"containers": 3, "lab": 4, "load": 2}
#: The order in which pytest's own last line counts outcomes.
OUTCOMES = ("failed", "passed", "skipped", "xfailed", "xpassed", "warnings", "error", "rerun")
AGAIN = 3  # more failures than this are no accident
NO_TESTS = 5  # pytest's exit code when it has selected none
GRACE_S = 60.0  # for a process that was interrupted to end what its tests have started
TERMINAL_EVERY_S, LOG_EVERY_S = 1.0, 30.0


@dataclass
class Process:
    """One pytest process. Its output goes to a file."""

    popen: "subprocess.Popen[bytes]"
    output: Path

    def interrupt(self) -> None:
        """Have it end its tests, and what those have started; at most once, or it would not finish that either."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGINT)

    def end(self, deadline: float) -> None:
        """Wait for its end, and kill its process group after `deadline`."""
        try:
            self.popen.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.popen.send_signal(signal.SIGKILL)
            self.popen.wait()


@dataclass
class Part:
    """One part of the tests, and what came of it so far."""

    name: str
    folder: Path
    environment: dict[str, str]
    started: float = 0.0
    seconds: float = 0.0
    waiting: int = 0  # processes that are still to be started
    processes: list[Process] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    reruns: list[str] = field(default_factory=list)  # what failed, and passed when it ran again

    def start(self, marker: str) -> None:
        """Start one more process for the tests that `marker` selects."""
        if not self.processes:
            self.started = time.monotonic()
        share = self.folder / marker.replace(" ", "-")
        share.mkdir(parents=True, exist_ok=True)
        options = ["-q", "-rs", "-m", marker, "-p", "tests.support.sharing", "--share", str(share)]
        output = share / f"{len(self.processes)}.out"
        with output.open("wb") as file:
            popen = subprocess.Popen(
                [sys.executable, "-m", "pytest", *options, *self._paths(marker)],
                cwd=ROOT, env=self.environment, process_group=0,
                stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.processes.append(Process(popen, output))
        self.waiting -= 1

    def _paths(self, marker: str) -> list[str]:
        """Return what to collect: for those that run alone only their files."""
        return self.alone() if marker == "alone" else PARTS[self.name][0]

    def alone(self) -> list[str]:
        """Return the files whose tests have to run alone, as its processes have reported them."""
        found = self.folder / "not-alone/alone"
        return found.read_text().split("\n") if found.exists() else []

    def running(self) -> int:
        """How many of its processes have not ended yet."""
        return sum(process.popen.poll() is None for process in self.processes)

    def finish(self) -> None:
        """Print the output of its processes, which have ended."""
        for process in self.processes:
            code = process.popen.returncode
            self.codes.append(code)
            if code != NO_TESTS:
                text = process.output.read_text(errors="replace").strip()
                print(f"== {self.name}, process {process.popen.pid}, exit code {code}\n{text}", flush=True)
        self.processes = []
        self.seconds += time.monotonic() - self.started

    def outcomes(self) -> "Counter[str]":
        """How many tests have passed, failed, ... so far."""
        lines = [path.read_text().split() for path in self.folder.glob("*/outcomes")]
        found = Counter(word for words in lines for word in words)
        if self.reruns:
            found["rerun"] = found.pop("failed", 0) + found.pop("error", 0)
        return found

    def failures(self) -> list[str]:
        """Return what to run again: the tests that failed, or the files of those that share a fixture."""
        lines = [line for path in self.folder.glob("*/failures") for line in path.read_text().splitlines()]
        return list(dict.fromkeys(lines))

    def again(self) -> None:
        """Run what failed once more, alone. If it passes, the part has not failed."""
        wanted = self.failures()
        command = [sys.executable, "-m", "pytest", "-q", "-rs", *wanted]
        popen = subprocess.Popen(command, cwd=ROOT, env=self.environment, process_group=0, stdin=subprocess.DEVNULL)
        self.processes = [Process(popen, self.folder)]
        code = popen.wait()
        self.processes = []
        if code == 0:
            self.reruns, self.codes = wanted, [0]

    def failed(self) -> bool:
        """Whether a test or a process failed, or no test was run at all."""
        return not self.outcomes() or any(code not in (0, NO_TESTS) for code in self.codes)


def total(outcomes: "Counter[str]", seconds: float) -> str:
    """Return the totals in the words of pytest's own last line."""
    counts = [f"{outcomes[name]} {_plural(name, outcomes[name])}" for name in OUTCOMES if outcomes[name]]
    clock = f" ({int(seconds) // 3600}:{int(seconds) // 60 % 60:02}:{int(seconds) % 60:02})" if seconds >= 60 else ""
    return f"{', '.join(counts) or 'no tests ran'} in {seconds:.2f}s{clock}"


def _plural(name: str, count: int) -> str:
    if name == "error":
        return "error" if count == 1 else "errors"
    return "warning" if name == "warnings" and count == 1 else name


class Progress:
    """One line with the number of tests that each part has run: rewritten on a terminal, now and then in a log."""

    def __init__(self, parts: list[Part]) -> None:
        self.parts = parts
        self.terminal = sys.stdout.isatty()
        self.started = self.shown = time.monotonic()

    def show(self) -> None:
        """Show it if it is time to."""
        now = time.monotonic()
        if now - self.shown < (TERMINAL_EVERY_S if self.terminal else LOG_EVERY_S):
            return
        self.shown = now
        line = f"-- {now - self.started:.0f} s: " + ", ".join(map(self._part, self.parts))
        print(f"\r{line}\x1b[K" if self.terminal else line, end="" if self.terminal else "\n", flush=True)

    def _part(self, part: Part) -> str:
        outcomes = part.outcomes()
        bad = outcomes["failed"] + outcomes["error"]
        done = sum(outcomes.values()) - outcomes["warnings"]
        return (
            f"{part.name} {done}{f' ({bad} failed)' if bad else ''}{'' if part.processes or part.waiting else ' done'}"
        )

    def clear(self) -> None:
        """Make room for other lines."""
        if self.terminal:
            print("\r\x1b[K", end="", flush=True)


def run(parts: list[Part]) -> None:
    """Run all parts beside each other, and then the tests that must be alone."""
    progress = Progress(parts)
    _run(parts, "not alone", AT_ONCE, progress)
    for part in [part for part in parts if part.alone()]:
        _run([part], "alone", 1, progress)


def run_again(parts: list[Part]) -> None:
    """Run again what failed, if that is little: not a part without tests, nor one whose process crashed."""
    failed = [part for part in parts if part.failed()]
    if any(set(part.codes) - {0, 1, NO_TESTS} or not part.failures() for part in failed):
        return
    if sum(len(part.failures()) for part in failed) > AGAIN:
        return
    for part in failed:
        print(f"== {part.name}: again, alone: {', '.join(map(_shown, part.failures()))}", flush=True)
        part.again()


def _shown(test: str) -> str:
    return test.removeprefix(f"{ROOT}/")


def _run(parts: list[Part], marker: str, at_once: int, progress: Progress) -> None:
    """Run `at_once` processes at a time: those of `FIRST`, one of each other part, then more of the large ones."""
    for part in parts:
        part.waiting = min(PARTS[part.name][1], at_once)
    unfinished = list(parts)
    while unfinished:
        waiting = [part for part in unfinished if part.waiting]
        if waiting and sum(part.running() for part in unfinished) < at_once:
            min(waiting, key=_turn).start(marker)
            continue
        for part in [part for part in unfinished if not part.waiting and not part.running()]:
            progress.clear()
            part.finish()
            unfinished.remove(part)
        progress.show()
        time.sleep(0.1)


def _turn(part: Part) -> tuple[bool, int]:
    started = len(part.processes)
    return started >= FIRST.get(part.name, 0), started


@contextmanager
def ended(parts: list[Part]) -> Iterator[None]:
    """Let no process outlive this block: Ctrl-C interrupts each once, and waits while it cleans up."""
    try:
        yield
    finally:
        running = [process for part in parts for process in part.processes]
        for process in running:
            process.interrupt()
        for process in running:
            process.end(time.monotonic() + GRACE_S)


def main(arguments: list[str]) -> int:
    """Run the parts named, or all; 1 if any failed, 2 for a name that there is not, 130 after Ctrl-C."""
    names = [name for argument in arguments for name in argument.replace(",", " ").split()] or list(PARTS)
    if unknown := [name for name in names if name not in PARTS]:
        print(f"no such part: {', '.join(unknown)} (parts: {', '.join(PARTS)})", file=sys.stderr)
        return 2
    # A shell that runs this in the background has it ignore SIGINT, and all processes of the tests would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="holdfast-tests-") as folder:
        coverage = Path(folder) / "coverage"
        covered = os.environ.get("COVERAGE") == "yes"
        # Where the first is set, each of some thousand processes would compile all sources again. The others are what
        # make was given for this command; a test may run another one that has a setting of this name.
        for name in ("PYTHONDONTWRITEBYTECODE", "ONLY", "COVERAGE", "MAKEFLAGS", "MAKEOVERRIDES"):
            os.environ.pop(name, None)
        environment = measured.environment(coverage) if covered else dict(os.environ)
        parts = [Part(name, Path(folder) / name, environment) for name in dict.fromkeys(names)]
        started = time.monotonic()
        try:
            with ended(parts):
                run(parts)
                run_again(parts)
        except KeyboardInterrupt:
            for part in parts:
                part.finish()
            print("\ninterrupted", flush=True)
            return 130
        if covered:
            print(f"== coverage\n{measured.table(coverage)}", flush=True)
        for part in parts:
            print(f"== {part.name}: {total(part.outcomes(), part.seconds)}", flush=True)
        failed = [part.name for part in parts if part.failed()]
        for part in parts:
            for name in part.reruns:
                print(f"passed only when it ran again, alone: {_shown(name)}")
        print("all parts passed" if not failed else f"failed: {', '.join(failed)}")
        everything = sum((part.outcomes() for part in parts), Counter())
        print(f"== {total(everything, time.monotonic() - started)} ==", flush=True)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
