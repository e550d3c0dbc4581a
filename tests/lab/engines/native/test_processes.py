import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.engines.native import processes
from lab.engines.native.processes import Process
from lab.errors import LabError
from lab.settings import ROOT
from lab.waiting import wait_for

LONG = 30.0
READY = "import signal, sys, time; sys.stdout.write('ready'); sys.stdout.flush(); "
ON_INT = "signal.signal(signal.SIGINT, lambda *_: sys.exit(7)); "
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN); "


def _until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < deadline, "not within the time limit"
        time.sleep(0.01)


def _start(folder: Path, code: str, name: str = "one", stop: int = signal.SIGTERM, **environ: str) -> Process:
    return processes.start(name, [sys.executable, "-c", code], environ, folder, stop)


def _running(folder: Path, before: str = "", **more: int) -> Process:
    """Start a process and wait until its handlers are set."""
    process = _start(folder, "import signal, sys; " + before + READY + "time.sleep(300)", **more)
    _until(lambda: process.text() == "ready")
    return process


def test_output_goes_to_the_log_and_the_environment_is_extended(tmp_path: Path) -> None:
    code = "import os, sys; print(os.environ['A'], 'PATH' in os.environ, flush=True); sys.exit('bad')"
    process = _start(tmp_path / "logs", code, name="server", A="b")
    _until(lambda: processes.exit_code(process) is not None)
    assert processes.exit_code(process) == 1
    assert (tmp_path / "logs/server.log").read_text() == process.text() == "b True\nbad\n"


def test_a_process_is_in_a_session_of_its_own(tmp_path: Path) -> None:
    process = _running(tmp_path)
    assert os.getsid(process.pid) == process.pid != os.getsid(0)
    processes.stop([process])


def test_a_process_is_alive_until_it_is_stopped(tmp_path: Path) -> None:
    process = _running(tmp_path)
    assert process.alive()
    assert processes.exit_code(process) is None
    processes.stop([process])
    assert not process.alive()
    assert processes.exit_code(process) == -signal.SIGTERM


def test_each_process_is_stopped_by_its_own_signal(tmp_path: Path) -> None:
    process = _running(tmp_path, ON_INT, stop=signal.SIGINT)
    processes.stop([process])
    assert processes.exit_code(process) == 7


def test_a_process_that_ignores_its_signal_is_killed_after_the_grace(tmp_path: Path) -> None:
    process = _running(tmp_path, DEAF)
    processes.stop([process], grace=0.1)
    _until(lambda: processes.exit_code(process) == -signal.SIGKILL)


def _child(process: Process) -> int:
    (pid,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(pid)


def test_a_process_has_time_to_stop_its_children(tmp_path: Path) -> None:
    before = (
        "import subprocess; own = subprocess.Popen(['sleep', '300']); "
        "signal.signal(signal.SIGTERM, lambda *_: (own.kill(), own.wait(), sys.exit(7))); "
    )
    process = _running(tmp_path, before)
    child = _child(process)
    processes.stop([process], grace=LONG)
    assert processes.exit_code(process) == 7
    assert not _runs(child)


def test_children_that_are_left_are_killed_after_the_grace(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(300)"
    before = (
        f"import subprocess; deaf = subprocess.Popen([sys.executable, '-c', {deaf!r}], stdout=-1); "
        "deaf.stdout.readline(); "
    )
    process = _running(tmp_path, before)
    child = _child(process)
    processes.stop([process], grace=0.5)
    _until(lambda: not _runs(process.pid) and not _runs(child))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_stopping_nothing_or_an_ended_process_is_no_error(tmp_path: Path) -> None:
    process = _running(tmp_path)
    processes.stop([])
    processes.stop([process])
    processes.stop([process])


def test_a_process_that_ends_just_before_its_signal_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    gone = Process("gone", child.pid, 1, "", signal.SIGTERM)
    seen = iter([True, True, False, True])  # looked for children of, signalled, waited for, killed
    monkeypatch.setattr(Process, "alive", lambda _: next(seen))
    processes.stop([gone])


def test_another_process_with_the_same_pid_is_not_stopped(tmp_path: Path) -> None:
    process = _running(tmp_path)
    older = dataclasses.replace(process, started=process.started - 1)
    processes.stop([older], grace=0)
    assert not older.alive()
    assert process.alive()
    processes.stop([process])


def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    stat = Path(f"/proc/{child.pid}/stat")
    _until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z")
    started = int(stat.read_text().rpartition(")")[2].split()[19])
    assert not Process("zombie", child.pid, started, "", signal.SIGTERM).alive()
    child.wait()


def test_another_call_finds_the_processes_that_still_run(tmp_path: Path) -> None:
    here, gone = _running(tmp_path, name="here"), _running(tmp_path, name="gone")
    processes.stop([gone])
    file = tmp_path / "below/processes.json"
    processes.save([here, gone], file)
    code = "import sys; from pathlib import Path; from lab.engines.native import processes;"
    code += "found = processes.load(Path(sys.argv[1])); print([p.name for p in found]); processes.stop(found);"
    code += "print([(p.name, processes.exit_code(p)) for p in processes.load_all(Path(sys.argv[1]))])"
    done = subprocess.run([sys.executable, "-c", code, str(file)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "['here']\n[('here', 1), ('gone', 1)]\n"
    _until(lambda: not here.alive())


def test_without_a_state_file_there_are_no_processes(tmp_path: Path) -> None:
    assert processes.load(tmp_path / "processes.json") == []


def _python(code: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-X", "dev", "-c", code, *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


STARTED = """
import signal, sys, time
from pathlib import Path
from lab.engines.native import processes
child = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit('asked')); "
child += "sys.stdout.write('ready' + chr(10)); sys.stdout.flush(); time.sleep(300)"
one = processes.start(
    "one", [sys.executable, "-c", child], {}, Path(sys.argv[1]), signal.SIGTERM, ends_with_lab=%s
)
while "ready" not in one.text():
    time.sleep(0.01)
print(one.pid, flush=True)
"""


def test_a_process_of_a_run_gets_its_stop_signal_when_the_lab_is_killed(tmp_path: Path) -> None:
    with _python(STARTED % True + "time.sleep(300)", str(tmp_path)) as lab:
        assert lab.stdout
        pid = int(lab.stdout.readline())
        lab.kill()
    _until(lambda: not _runs(pid))
    assert (tmp_path / "one.log").read_text() == "ready\nasked\n"


def test_a_process_that_outlives_the_lab_is_no_warning(tmp_path: Path) -> None:
    with _python(STARTED % False, str(tmp_path)) as lab:
        out, err = lab.communicate(timeout=LONG)
    assert (lab.returncode, err) == (0, "")
    assert _runs(int(out))
    os.kill(int(out), signal.SIGKILL)


def test_stopped_children_are_waited_for(tmp_path: Path) -> None:
    process = _running(tmp_path)
    processes.stop([process])
    with pytest.raises(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)


def test_a_log_in_memory_is_read_like_a_file_and_kept_at_the_end(tmp_path: Path) -> None:
    command = [sys.executable, "-c", READY]
    process = processes.start("one", command, {}, tmp_path / "logs", signal.SIGTERM, log_in_memory=True)
    _until(lambda: processes.exit_code(process) is not None)
    assert process.text() == Path(process.log).read_text() == "ready"
    assert list((tmp_path / "logs").iterdir()) == []
    processes.keep_log(process, tmp_path / "logs")
    assert (tmp_path / "logs/one.log").read_text() == "ready"
    assert not Path(process.log).exists()


def test_a_log_in_memory_that_the_disk_does_not_take_is_one_line(tmp_path: Path) -> None:
    process = processes.start("one", [sys.executable, "-c", ""], {}, tmp_path, signal.SIGTERM, log_in_memory=True)
    processes.stop([process])
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(LabError, match=r"^could not write \S+/file/one\.log: Not a directory$"):
        processes.keep_log(process, tmp_path / "file")
    assert not Path(process.log).exists()


def test_a_log_that_is_a_file_stays_as_it_is(tmp_path: Path) -> None:
    process = _running(tmp_path)
    processes.stop([process])
    processes.keep_log(process, tmp_path / "elsewhere")
    assert process.text() == "ready"


def test_a_state_file_that_was_cut_off_has_no_processes(tmp_path: Path) -> None:
    (tmp_path / "processes.json").write_text("[{")
    assert processes.load(tmp_path / "processes.json") == []


def test_a_process_finds_our_packages_and_the_scenarios_of_the_users_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder `server` of the user is not taken for ours."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "server").mkdir()
    (tmp_path / "server/__init__.py").touch()
    code = (
        "import os, server, rawsocket.settings.find_scenario as s\n"
        "folders = s.folders(os.environ['HOLDFAST_LOCUSTFILES'])\n"
        "print(os.getcwd(), server.__file__, *folders, sep='\\n')"
    )
    process = processes.start("one", [sys.executable, "-P", "-c", code], {}, tmp_path / "logs", signal.SIGTERM)
    wait_for("its end", lambda: processes.exit_code(process) is not None, 60)
    expected = [tmp_path, ROOT / "server/__init__.py", "locustfiles", ROOT / "locustfiles"]
    assert process.text().split() == [str(path) for path in expected]
