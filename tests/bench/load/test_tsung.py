import os
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from bench.load import tsung
from tests.support.running_generator import demand_messages


def test_tsung_configuration() -> None:
    found = ElementTree.fromstring(tsung.configuration(4000, 10_000, 1000.0, 1.0, 20))
    server, users, ip = (
        found.find("servers/server"),
        found.find("load/arrivalphase/users"),
        found.find("clients/client/ip"),
    )
    assert server is not None
    assert users is not None
    assert ip is not None
    assert server.attrib == {"host": "127.0.0.1", "port": "4000", "type": "tcp"}
    assert users.attrib == {"maxnumber": "10000", "arrivalrate": "1000", "unit": "second"}
    assert ip.attrib["value"] == "127.1.15.160"
    raw = found.find("sessions/session/for/request/raw")
    assert raw is not None
    assert raw.attrib == {"data": "hello from the bench\n", "ack": "local"}
    think = found.find("sessions/session/for/thinktime")
    assert think is not None
    assert think.attrib["value"] == "1"


def test_a_closed_loop_has_no_think_time() -> None:
    assert "thinktime" not in tsung.configuration(4000, 100, 1000.0, 0.0, 20)


def test_tsung_is_not_installed_without_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tsung.unavailable() == "tsung is not installed (Debian: apt-get install tsung)"


def test_root_on_debian_installs_tsung_and_a_failure_is_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    apt = tmp_path / "apt-get"
    apt.write_text(f"#!/bin/sh\necho \"$@\" > {tmp_path}/asked\necho 'no network' >&2\nexit 100\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert tsung.unavailable() == "apt-get install --yes --no-install-recommends tsung ended with 100"
    assert (tmp_path / "asked").read_text() == "install --yes --no-install-recommends tsung\n"
    assert "Installing tsung from Debian" in capsys.readouterr().err
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "is not installed" in tsung.unavailable()


@pytest.mark.skipif(not shutil.which("tsung"), reason="tsung is not installed")
def test_tsung_makes_the_configured_load(tmp_path: Path) -> None:
    assert tsung.unavailable() == ""
    demand_messages("tsung", tmp_path, connections=3, every=0.0)
