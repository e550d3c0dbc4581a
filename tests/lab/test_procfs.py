import os
import subprocess
import sys

from lab import procfs
from lab.settings import ROOT


def test_start_time_of_this_process_is_known_and_that_of_an_ended_one_is_not() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    assert isinstance(procfs.start_time(os.getpid()), int)
    assert procfs.start_time(child.pid) is None
    assert procfs.stat(child.pid) == []


def test_environment_of_a_process_is_known_while_it_runs() -> None:
    command = [sys.executable, "-c", "print(flush=True); input()"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env={"NAME": "a=b"}) as child:
        assert child.stdout
        child.stdout.readline()  # the kernel has its environment a moment after the start
        assert procfs.environment(child.pid)["NAME"] == "a=b"
        child.communicate(b"\n")
    assert procfs.environment(child.pid) == {}


def test_a_process_that_runs_is_not_gone() -> None:
    assert not procfs.gone(procfs.mark())


def test_an_ended_process_is_gone_even_while_nobody_has_waited_for_it() -> None:
    code = "from lab import procfs; print(procfs.mark())"
    child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    marked = child.stdout.read().strip()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert procfs.gone(marked)
    child.communicate()
    assert procfs.gone(marked)


def test_another_process_with_the_same_pid_is_not_the_one_that_was_marked() -> None:
    pid, started, namespace = procfs.mark().split()
    assert procfs.gone(f"{pid} {int(started) - 1} {namespace}")


def test_a_process_of_another_pid_namespace_is_not_known_to_be_gone() -> None:
    pid, started, _ = procfs.mark().split()
    assert not procfs.gone(f"{pid} {int(started) - 1} pid:[1]")
