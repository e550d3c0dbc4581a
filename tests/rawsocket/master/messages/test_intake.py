from collections.abc import Callable, Iterator
from typing import Any

import gevent
import msgpack
import pytest
import zmq.green as zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from locust.rpc.protocol import Message

from rawsocket.attach import attach
from rawsocket.master.messages.intake import NAME, STRANGERS, Intake
from rawsocket.master.page.state import state
from rawsocket.worker import agent
from tests.support.garbage import ANYTHING, MESSAGES, packed
from tests.support.local_run import LONG
from tests.support.masters import Master, joined_master
from tests.support.random_inputs import examples

READY = packed("client_ready", "2.47.0", "a")


@pytest.fixture
def lost() -> dict[str, str]:
    return {}


@pytest.fixture
def intake(lost: dict[str, str]) -> Intake:
    made = Intake(lambda worker, reason: lost.setdefault(worker, reason))  # type: ignore[arg-type,return-value]
    assert made.read([b"a", READY])
    return made


def test_message_of_a_worker_is_passed_on(intake: Intake, lost: dict[str, str]) -> None:
    found = intake.read([b"a", packed("quit", None, "a")])
    assert found
    assert (found[0], found[1].type, found[1].data, found[1].node_id) == ("a", "quit", None, "a")
    assert lost == {}


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ([b""], "0 bytes are no message: ValueError"),
        ([b"\xc1"], "1 bytes are no message: FormatError"),
        ([b"\x93\x01"], "2 bytes are no message"),
        ([READY + b"x"], "no message: ExtraData"),
        ([packed("quit", None, "a"), b""], "2 parts instead of one"),
        ([], "0 parts instead of one"),
        ([msgpack.dumps(5)], "no message: TypeError"),
        ([msgpack.dumps(("quit", None))], "no message: TypeError"),
        ([msgpack.dumps(("quit", {"__datetime__": True}, "a"))], "no message: KeyError"),
        ([packed(["quit"], None, "a")], "its type must be a text"),
        ([packed("quit", None, "b")], "it is in the name of 'b'"),
        ([packed("quit", None, ["a"])], "it is in the name of"),
        ([packed("heartbeat", None, "a")], "heartbeat must be a mapping"),
        ([packed("stats", {"stats": 1}, "a")], "stats.user_classes_count must be there"),
        ([packed(agent.FAULT, {"message": 5}, "a")], "holdfast_fault.message must be a text"),
    ],
)
def test_worker_that_sends_garbage_is_lost(
    intake: Intake, lost: dict[str, str], frames: list[bytes], said: str
) -> None:
    assert intake.read([b"a", *frames]) is None
    assert lost["a"].startswith("it sent what can't be read (")
    assert said in lost["a"]
    assert "\n" not in lost["a"]


def test_sender_that_never_joined_is_named_once_and_loses_nobody(
    intake: Intake, lost: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        assert intake.read([b"stranger", packed("logs", {"worker_id": "x", "logs": []}, "stranger")]) is None
    assert intake.read([]) is None
    for number in range(2 * STRANGERS):
        assert intake.read([b"%d" % number, b"garbage"]) is None
    assert lost == {}
    assert "'stranger', which is no worker of this master: it sent logs and never joined" in caplog.text
    assert len(caplog.records) == STRANGERS
    assert intake.read([b"late", packed("client_ready", "2.47.0", "late")])  # it may still join


def test_name_that_is_no_utf_8_is_refused(intake: Intake) -> None:
    assert intake.read([b"\xff\xfe", packed("client_ready", "2.47.0", "a")]) is None


@pytest.mark.parametrize("name", ["", "b\nERROR of nobody", "\x1b[2J", "b" * (NAME + 1)])
def test_worker_whose_name_can_not_be_shown_does_not_join(
    intake: Intake, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    assert intake.read([name.encode(), packed("client_ready", "2.47.0", name)]) is None
    assert "its name must be a printable text of 1 to 200 characters" in caplog.text
    assert "\n" not in caplog.messages[0]
    assert intake.read([b"b" * NAME, packed("client_ready", "2.47.0", "b" * NAME)])


def test_handler_that_raises_loses_the_sender(intake: Intake, lost: dict[str, str]) -> None:
    intake.failed("a", Message("own", None, "a"), ZeroDivisionError("by\nzero"))
    assert lost == {"a": "its message own could not be handled (ZeroDivisionError: by?zero)"}


@given(frames=st.lists(st.binary(max_size=40) | ANYTHING.map(msgpack.dumps), max_size=3))
def test_intake_survives_any_frames(frames: list[bytes]) -> None:
    lost: list[str] = []
    intake = Intake(lambda worker, reason: lost.append(reason))
    intake.read([b"a", READY])
    assert intake.read([b"a", *frames]) is None
    assert len(lost) == 1


# -- a master with garbage on its socket ------------------------------------------------------------------------------


@pytest.fixture
def master(monkeypatch: pytest.MonkeyPatch) -> Iterator[Master]:
    with joined_master(monkeypatch) as made:
        yield made


def test_fixture_attaches_as_a_real_master_does() -> None:
    assert attach()._intake


def _judged(master: Master) -> dict[str, Any]:
    return master.bench.stop(held=5)


def test_run_with_a_worker_that_sends_garbage_is_unknown_and_says_why(master: Master) -> None:
    master.bench.start()
    for _ in range(6):
        master.bench.second(held=5)
    master.read("b", "stats", {"stats": None, "errors": 5})
    assert state(master.bench.controller)
    document = _judged(master)
    assert document["exit_code"] == 4
    said = "worker 2 was lost: it sent what can't be read (stats.user_classes_count must be there)"
    assert document["reasons"][0].startswith(said)


def test_garbage_after_the_end_of_a_run_changes_no_verdict(master: Master) -> None:
    master.bench.start()
    for _ in range(6):
        master.bench.second(held=5)
    before = _judged(master)
    master.read_bytes("b", b"\xc1")
    assert master.bench.controller.conclude(again=True)["verdict"] == before["verdict"]


SETTINGS = settings(
    max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@SETTINGS
@given(sent=st.lists(st.tuples(st.sampled_from("abc"), MESSAGES), max_size=12))
def test_master_survives_messages_of_any_shape(master: Master, sent: list[tuple[str, tuple[str, Any]]]) -> None:
    """Locust's statistics, the page's state, a second of the run and its verdict can still be made."""
    master.bench.start()
    errors: list[BaseException] = []
    master.attachment._listener_failed = errors.append  # type: ignore[method-assign,assignment]
    for sender, (kind, data) in sent:
        master.read(sender, kind, data)
        master.read("a", "client_ready", "2.47.0")
    master.bench.second(held=5)
    stats = master.runner.environment.stats
    for entry in [*stats.entries.values(), stats.total]:
        assert entry.to_dict()
    assert state(master.bench.controller)
    assert _judged(master)["verdict"] in ("pass", "fail", "unknown")
    stats.clear_all()


def _until(met: Callable[[], object]) -> None:
    with gevent.Timeout(LONG):
        while not met():
            gevent.sleep(0.01)


def test_listener_of_a_real_socket_goes_on_after_garbage(master: Master) -> None:
    master.bench.start()
    context = zmq.Context()
    client = context.socket(zmq.DEALER)
    try:
        client.setsockopt(zmq.IDENTITY, b"c")
        client.setsockopt(zmq.LINGER, 0)
        client.connect(f"tcp://127.0.0.1:{master.runner.server.port}")
        for content in (READY, packed("client_ready", "2.47.0", "c"), b"\xc1", b"", packed([], None, "c")):
            client.send(content)
        client.send_multipart([b"a", b"b", b"c"])
        client.send(packed("heartbeat", {"state": "running", "current_cpu_usage": 1}, "c"))
        _until(lambda: "c" in master.runner.clients and master.runner.clients["c"].state == "running")
        _until(lambda: master.bench.controller.run.participant("c").lost)
    finally:
        client.close()
        context.term()
