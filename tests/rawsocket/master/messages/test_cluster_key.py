import locust  # isort: skip  # noqa: F401 - patches the process before anything else is imported

import logging
from pathlib import Path

import gevent
import pytest
import zmq.green as zmq
from locust.rpc.protocol import Message
from locust.rpc.zmqrpc import BaseSocket, Client, Server

from rawsocket import locust_patches
from rawsocket.master.messages import cluster_key
from rawsocket.settings.plan import Plan, UsageError
from tests.support.locust_fleet import locust_fleet

OURS, OTHER = "one key for all of them", "the key of another lab"


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.ERROR)
    return caplog


def test_keys_are_the_same_everywhere_and_others_for_another_text() -> None:
    public, secret = cluster_key.key_pair(OURS)
    assert (public, secret) == cluster_key.key_pair(OURS)
    assert public == zmq.curve_public(secret)
    assert len(secret) == 40
    assert public not in cluster_key.key_pair(OTHER)


@pytest.mark.parametrize(
    ("settings", "exposed"),
    [
        ({}, False),
        ({"master_bind": "localhost"}, False),
        ({"master_bind": "::1"}, False),
        ({"master_bind": "0.0.0.0", "master_published": "127.0.0.1"}, False),
        ({"master_bind": "0.0.0.0", "cluster_key": OURS}, False),
        ({"master_bind": "0.0.0.0"}, True),
        ({"master_bind": "*"}, True),
        ({"master_bind": "127.0.0.1", "master_published": "10.0.0.7"}, True),
    ],
)
def test_master_that_others_reach_without_a_key_says_so(settings: dict[str, str], exposed: bool) -> None:
    line = cluster_key.exposed(Plan(**settings))
    assert bool(line) == exposed
    if exposed:
        where = settings.get("master_published") or settings["master_bind"]
        assert line.startswith(f"warning: any program that reaches {where}:5557 can join as a worker: set HOLDFAST_CLU")


@pytest.mark.parametrize(
    ("key", "certain", "reason"),
    [
        (OURS, True, "set here, but not there"),
        (OURS, False, "another one there"),
        ("", True, "set there, but not here"),
    ],
)
def test_worker_that_is_not_let_in_ends(monkeypatch: pytest.MonkeyPatch, key: str, certain: bool, reason: str) -> None:
    errors: list[UsageError] = []
    watch = cluster_key.WorkerWatch(Plan(master_host="far", cluster_key=key), errors.append)
    watch.failed(certain=False)
    assert not errors  # the master may have ended just then
    if not certain:
        monkeypatch.setattr(cluster_key, "GRACE_S", 0.0)
    watch.failed(certain=certain)
    line = f"the master at far:5557 does not let this worker in: HOLDFAST_CLUSTER_KEY is {reason}"
    assert [str(error) for error in errors] == [line]


def test_success_forgets_handshakes_that_were_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    errors: list[UsageError] = []
    watch = cluster_key.WorkerWatch(Plan(), errors.append)
    now = 100.0
    monkeypatch.setattr(cluster_key.time, "monotonic", lambda: now)
    watch.failed(certain=False)
    now += cluster_key.GRACE_S
    watch.succeeded()
    watch.failed(certain=False)
    assert not errors


@pytest.mark.parametrize(("key", "reason"), [(OURS, "another one there, or not set"), ("", "set there, but not here")])
def test_master_says_once_that_a_worker_was_refused(said: pytest.LogCaptureFixture, key: str, reason: str) -> None:
    watch = cluster_key.MasterWatch(Plan(cluster_key=key))
    for _ in range(3):
        watch.failed(certain=True)
    line = f"a program that connected to port 5557 as a worker was refused: HOLDFAST_CLUSTER_KEY is {reason}"
    assert said.messages == [line]


def test_messages_of_locusts_sockets_arrive_only_with_the_key(
    monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture
) -> None:
    """Pins where the patch comes in: after the socket is made, and before it is bound or connected."""
    monkeypatch.setattr(BaseSocket, "__init__", BaseSocket.__init__)
    errors: list[UsageError] = []

    def with_key(key: str) -> None:
        locust_patches.prepare_sockets_through(cluster_key.Sockets(Plan(cluster_key=key), errors.append).prepare)

    with_key(OURS)
    sockets: list[BaseSocket] = [server := Server("127.0.0.1", 0)]
    try:
        with_key("")
        stranger = Client("127.0.0.1", server.port, "stranger")
        sockets.append(stranger)
        stranger.send(Message("client_ready", "2.47.0", "stranger"))
        with gevent.Timeout(60):
            while not said.messages:
                gevent.sleep(0.01)
        with_key(OURS)
        friend = Client("127.0.0.1", server.port, "friend")
        sockets.append(friend)
        friend.send(Message("client_ready", "2.47.0", "friend"))
        with gevent.Timeout(60):
            assert server.recv_from_client()[0] == "friend"
            server.send_to_client(Message("ack", None, "friend"))
            assert friend.recv().type == "ack"
    finally:
        for socket in sockets:
            context = socket.socket.context
            socket.close(linger=0)
            context.destroy(linger=0)


def test_worker_joins_with_the_masters_key_alone(tmp_path: Path) -> None:
    with locust_fleet(tmp_path, None, workers=1, HOLDFAST_CLUSTER_KEY=OURS) as fleet:
        strangers = [fleet.add_worker(HOLDFAST_CLUSTER_KEY=key) for key in (OTHER, "")]
        assert [worker.wait(90) for worker in strangers] == [2, 2]
        assert "HOLDFAST_CLUSTER_KEY is another one there" in fleet.err("worker-1").splitlines()[-1]
        assert "HOLDFAST_CLUSTER_KEY is set there, but not here" in fleet.err("worker-2").splitlines()[-1]
        fleet.wait(lambda state: len(state["workers"]) == 1)
        assert "as a worker was refused: HOLDFAST_CLUSTER_KEY is another one there" in fleet.err()
        assert fleet.workers[0].poll() is None


def test_worker_with_a_key_does_not_obey_a_master_without(tmp_path: Path) -> None:
    with locust_fleet(tmp_path, None, workers=0, WORKERS=1, HOLDFAST_MASTER_BIND="0.0.0.0") as fleet:
        fleet.wait(lambda state: state["state"] == "ready")
        assert fleet.add_worker(HOLDFAST_CLUSTER_KEY=OURS).wait(90) == 2
        assert "HOLDFAST_CLUSTER_KEY is set here, but not there" in fleet.err("worker-0").splitlines()[-1]
        assert "as a worker was refused: HOLDFAST_CLUSTER_KEY is set there, but not here" in fleet.err()
        assert fleet.err().startswith("warning: any program that reaches 0.0.0.0:")
