"""Processes of `python -m rawsocket` and `python -m server` that are forked from one that has the imports already.

Locust's imports take half a second of CPU, the server's a fifth, and the tests have hundreds of such processes. So one
process imports them once (`Starter`), and forks for each process that a test asks for. A `Process` behaves like a
`subprocess.Popen`.
"""

import atexit
import contextlib
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
POLL_S = 0.01  # between two looks at the end of a process


class Process:
    """A forked process, with the methods of `subprocess.Popen` that tests use."""

    def __init__(self, pid: int, starter: "Starter") -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._starter = starter

    def poll(self) -> int | None:
        """Return the exit code, -N after signal N, None while it runs."""
        if self.returncode is None:
            self.returncode = self._starter.exit_code(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; return its exit code. Raise TimeoutExpired after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("a forked process", timeout or 0.0)
            time.sleep(POLL_S)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended, and the starter is about to say so
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


class Starter:
    """The process that forks. It takes one JSON line for each process, and writes one for each start and end."""

    def __init__(self, program: str, environment: Mapping[str, str]) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tests.support.prestarted", program],
            cwd=ROOT, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._popen.stdin
        assert self._popen.stdout
        self._requests, self._answers = self._popen.stdin, self._popen.stdout
        self._read = b""
        self._started: list[int] = []
        self._ended: dict[int, int] = {}

    def start(self, **request: Any) -> Process:
        """Fork a process with `arguments` and `environment`, stdout and stderr to the files `out` and `err`."""
        self._requests.write(json.dumps(request).encode() + b"\n")
        self._requests.flush()
        while not self._started:
            self._take(None)
        return Process(self._started.pop(0), self)

    def exit_code(self, pid: int) -> int | None:
        """Return the exit code of a process that has ended, once."""
        self._take(0.0)
        return self._ended.pop(pid, None)

    def close(self) -> None:
        """End the starter; what it has forked goes on."""
        self._requests.close()
        self._popen.wait()
        self._answers.close()

    def _take(self, timeout: float | None) -> None:
        while select.select([self._answers], [], [], timeout)[0]:
            data = os.read(self._answers.fileno(), 65536)
            assert data, "the process that starts others has ended"
            *lines, self._read = (self._read + data).split(b"\n")
            for answer in map(json.loads, lines):
                if "started" in answer:
                    self._started.append(answer["started"])
                else:
                    self._ended[answer["ended"]] = answer["code"]
            timeout = 0.0


@cache
def starter(program: str, names: tuple[tuple[str, str], ...] = ()) -> Starter:
    """Return this process's starter of a program, with an environment or its own; it ends with this process."""
    made = Starter(program, dict(names) or os.environ)
    atexit.register(made.close)
    return made


def _imported(program: str) -> tuple[Any, Any, Any]:
    """Import what the program does; return functions that fork, reap a process, and wait for input."""
    if program == "server":
        importlib.import_module("server.__main__")
        del sys.modules["server.__main__"]  # it is run as __main__, and runpy warns if it is there
        return os.fork, os.waitpid, select.select
    import gevent.monkey
    import gevent.os
    import locust.main  # noqa: F401

    import rawsocket.attach
    import rawsocket.attach_master  # noqa: F401

    # gevent's fork: the child gets a hub of its own. (os.fork would also keep a descriptor of each child.)
    return (
        gevent.os.fork_gevent,
        gevent.monkey.get_original("os", "waitpid"),
        gevent.monkey.get_original("select", "select"),
    )


def _serve(program: str) -> None:
    """Fork as asked, and report each end: a descriptor of a child is readable once it has ended (pidfd_open)."""
    fork, waitpid, wait_for_input = _imported(program)
    answers = os.dup(1)
    read = b""
    children: dict[int, int] = {}  # pid by descriptor
    while True:
        ready = wait_for_input([0, *children], [], [])[0]
        for ended in [descriptor for descriptor in ready if descriptor in children]:
            pid = children.pop(ended)
            os.close(ended)
            _, status = waitpid(pid, 0)
            _answer(answers, ended=pid, code=os.waitstatus_to_exitcode(status))
        if 0 not in ready:
            continue
        if not (data := os.read(0, 65536)):
            return  # what it has forked goes on
        *lines, read = (read + data).split(b"\n")
        for line in lines:
            request = json.loads(line)
            if not (pid := fork()):
                for descriptor in (answers, *children):
                    os.close(descriptor)
                _become(program, **request)
            children[os.pidfd_open(pid)] = pid
            _answer(answers, started=pid)


def _answer(answers: int, **answer: int) -> None:
    os.write(answers, json.dumps(answer).encode() + b"\n")


def _become(
    program: str,
    arguments: list[str],
    environment: dict[str, str],
    cwd: str,
    out: str,
    err: str,
    descriptors: int = 0,
    before: str = "",
) -> None:
    """Run the code `before`, and then `python -m PROGRAM ARGUMENTS`, in this process, and end it."""
    import resource
    import runpy
    import traceback

    code: object = 1
    try:
        for number, name, flags in ((0, os.devnull, os.O_RDONLY), (1, out, os.O_WRONLY), (2, err, os.O_WRONLY)):
            opened = os.open(name, flags | (os.O_CREAT | os.O_TRUNC if number else 0), 0o644)
            os.dup2(opened, number)
            os.close(opened)
        os.environ.clear()
        os.environ.update(environment)
        if descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        os.chdir(cwd)
        sys.path[0] = cwd
        sys.argv = [program, *arguments]
        exec(before, {})
        runpy.run_module(program, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    _serve(sys.argv[1])
