"""The commands by which limits of the server are read and set."""

from dataclasses import replace

import pytest

from lab.drills.shortage import server_limits
from lab.errors import LabError
from tests.support.drill_stages import stage


def test_commands_of_local_processes_name_their_pids() -> None:
    found = stage()[0]
    assert server_limits.limits_command(found, "lower", "5")[-3:] == ["lower", "5", "server"]
    assert server_limits.limits_command(found, "restore", "{}")[-2:] == ["restore", "{}"]


def test_commands_in_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    found = replace(stage()[0], engine="docker")
    monkeypatch.setattr(found.parts("server")[0], "id", "abc", raising=False)
    assert server_limits.limits_command(found, "show")[:4] == ["docker", "exec", "abc", "python3"]
    assert server_limits.update(found, "--memory=5") == ["docker", "update", "--memory=5", "abc"]


def test_command_that_fails_is_an_error_with_what_it_said() -> None:
    with pytest.raises(LabError) as failed:
        server_limits.output(["sh", "-c", "echo no such container; exit 1"])
    assert failed.value.evidence == "no such container"


def test_cpu_of_all_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    found, lab = stage()
    text = 'process_cpu_seconds_total 1.5\nholdfast_server_process_cpu_seconds_total{process="0"} 2.0\nother 5\n'
    monkeypatch.setattr(lab, "server_metrics", lambda: text)
    assert server_limits.cpu_seconds(found) == 3.5
