"""The assembled service: computed correctly, and closed however it ends."""

from __future__ import annotations

import io
import os
import threading

import pytest

from server.assembly import RECEIVE_SIZE, open_service
from server.models import MODELS
from server.models.base import Promise, load
from server.monitoring.counters import DRAINING, SharedBoard
from server.monitoring.log import LogRing
from server.settings import UsageError, parse
from server.system import limits
from server.system.signals import StopRequests
from tests.support.services import service
from tests.support.tls import tls_flags


def test_the_log_says_where_it_listens() -> None:
    stream = io.StringIO()
    with service(stream=stream) as made:
        port = made.listener.getsockname()[1]
    assert stream.getvalue().startswith(f"holdfast server listening on 127.0.0.1:{port} admin 127.0.0.1:")
    assert f"model select pid {os.getpid()}" in stream.getvalue()


def test_all_descriptors_are_closed_at_the_end_and_after_an_error() -> None:
    before = limits.open_descriptors()
    with service():
        assert limits.open_descriptors() > before
    with pytest.raises(UsageError), service("--max-connections", "5000"):
        pass
    assert limits.open_descriptors() == before


def test_a_recv_brings_no_more_than_the_longest_message_in_chunk_framing() -> None:
    with service("--framing", "chunk", "--max-message", "100") as made:
        assert made.wire.receive_size == 100
    with service("--framing", "chunk") as made:
        assert made.wire.receive_size == RECEIVE_SIZE
    with service("--max-message", "100") as made:
        assert made.wire.receive_size == RECEIVE_SIZE


def test_a_lowered_default_cap_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "rlimit_nofile", lambda: limits.open_descriptors() + 100)
    stream = io.StringIO()
    with service(stream=stream) as made:
        assert made.capacity.cap < 100
    assert f"the cap is {made.capacity.cap} connections, not 1000" in stream.getvalue()


def test_a_service_for_several_processes_has_no_thread_and_a_shared_board() -> None:
    stream = io.StringIO()
    log, stops = LogRing(stream), StopRequests()
    settings = parse(["--port", "0", "--admin-port", "0", "--processes", "3", "--max-connections", "2000"], {})
    before = threading.active_count()
    with open_service(settings, load("select"), log, stops, 3) as made:
        assert threading.active_count() <= before  # Another test's thread may end meanwhile.
        assert made.capacity.cap == 2000
        assert made.capacity.share == 667
        assert isinstance(made.board, SharedBoard)
        assert made.counters.counts == made.board.row(0).counts
        assert not made.draining
        made.board.stage = DRAINING
        assert made.draining
    log.start()
    log.close()
    stops.close()
    assert stream.getvalue().endswith(f"model select pid {os.getpid()} processes 3\n")


def test_a_port_in_use_is_a_usage_error() -> None:
    with service() as made:
        port = str(made.listener.getsockname()[1])
        with pytest.raises(UsageError, match="in use"), service("--port", port):
            pass


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (("--tls-cert", "cert.pem"), "--tls-cert without --tls-key"),
        (("--tls-key", "key.pem"), "--tls-key without --tls-cert"),
        (tls_flags(), ""),
    ],
)
def test_a_certificate_and_its_key_are_given_together(flags: tuple[str, ...], problem: str) -> None:
    if not problem:
        with service(*flags) as made:
            assert made.tls is not None
        return
    with pytest.raises(UsageError, match=problem), service(*flags):
        pass


@pytest.mark.parametrize("model", [name for name in MODELS if Promise.TLS not in load(name).promises])
def test_a_certificate_for_a_model_without_tls_is_a_usage_error(model: str) -> None:
    settings, stops = parse(["--model", model, *tls_flags()], {}), StopRequests()
    with (
        pytest.raises(UsageError, match=f"model {model} doesn't speak TLS; .* use --model select, poll or epoll"),
        open_service(settings, load(model), LogRing(io.StringIO()), stops),
    ):
        pass
    stops.close()
