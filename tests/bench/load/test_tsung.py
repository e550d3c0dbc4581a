import os
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from bench.load import tsung
from tests.support.contending import demand_messages


def test_its_configuration() -> None:
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


def test_a_closed_loop_thinks_not() -> None:
    assert "thinktime" not in tsung.configuration(4000, 100, 1000.0, 0.0, 20)


def test_it_is_not_installed_where_that_needs_asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tsung.absent() == "tsung is not installed (Debian: apt-get install tsung)"


def test_root_on_debian_installs_it_and_a_failure_is_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    apt = tmp_path / "apt-get"
    apt.write_text(f"#!/bin/sh\necho \"$@\" > {tmp_path}/asked\necho 'no network' >&2\nexit 100\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert tsung.absent() == "apt-get install --yes --no-install-recommends tsung ended with 100"
    assert (tmp_path / "asked").read_text() == "install --yes --no-install-recommends tsung\n"
    assert "Installing tsung from Debian" in capsys.readouterr().err
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "is not installed" in tsung.absent()


@pytest.mark.skipif(not shutil.which("tsung"), reason="tsung is not installed")
def test_it_loads_what_it_is_told_to(tmp_path: Path) -> None:
    assert tsung.absent() == ""
    demand_messages("tsung", tmp_path, connections=3, every=0.0)
