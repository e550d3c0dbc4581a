import socket
import ssl
import urllib.request
from pathlib import Path

import pytest

from bench.load.features import lab_server as module
from bench.load.features.lab_server import LabServer, lab_server, totals
from lab.errors import LabError
from lab.run.certificate import lab_certificate
from tests.support.running_generator import until

METRICS = """# HELP holdfast_server_accepted_total Connections.
holdfast_server_closed_total{reason="client"} 2.0
holdfast_server_closed_total{reason="reset"} 1.0
holdfast_server_accepted_total 5.0
holdfast_server_messages_total 1.2e+06
holdfast_server_process_messages_total{process="1"} 7.0
"""


def test_totals_are_read_from_the_metrics_and_all_reasons_of_closing_are_added() -> None:
    assert totals(METRICS) == {"accepted": 5, "closed": 3, "messages": 1_200_000}


@pytest.mark.parametrize("encrypted", [False, True])
def test_server_echoes_and_counts(tmp_path: Path, encrypted: bool) -> None:
    certificate = lab_certificate(tmp_path / "tls") if encrypted else None
    with lab_server(tmp_path, 10, certificate) as server:
        peer = socket.create_connection(("127.0.0.1", server.port), 30)
        if certificate:
            context = ssl.create_default_context(cafile=str(certificate.ca))
            peer = context.wrap_socket(peer, server_hostname="127.0.0.1")
        with peer:
            peer.sendall(b"line\n")
            assert peer.recv(100) == b"line\n"
            found = server.counts()
        assert (found["accepted"], found["closed"], found["messages"]) == (1, 0, 1)
        assert found["now"] > 0
        until(lambda: server.counts()["closed"] == 1)
    with pytest.raises(LabError, match="the server's counters can't be read"):
        server.counts()


def test_server_that_ends_at_once_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.sys, "executable", "false")
    with pytest.raises(LabError, match="it has ended"), lab_server(tmp_path, 10):
        pass


def test_counters_are_read_without_the_proxy_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers = [type(handler) for handler in module._DIRECT.handlers]  # type: ignore[attr-defined]
    assert urllib.request.ProxyHandler not in handlers
    with pytest.raises(LabError, match="can't be read"):
        LabServer(1, "http://127.0.0.1:1").counts()
