"""A controller whose runner reads the messages of workers as that of a real master does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from locust.rpc.zmqrpc import Server
from locust.runners import MasterRunner

from rawsocket import locust_patches
from rawsocket.attach import Attachment
from rawsocket.attach_master import MasterSide
from rawsocket.worker import agent
from tests.support.controllers import ControllerBench, controller_bench
from tests.support.garbage import packed


class Master:
    """A controller whose runner is wired as in a real master."""

    def __init__(self, bench: ControllerBench, attachment: Attachment) -> None:
        self.bench = bench
        self.runner: MasterRunner = bench.runner
        self.attachment = attachment

    def read(self, sender: str, kind: Any, data: Any) -> None:
        """What the greenlet that reads messages does with one."""
        self.read_bytes(sender, packed(kind, data, sender))

    def read_bytes(self, sender: str, content: bytes) -> None:
        if found := self.attachment._intake.read([sender.encode(), content]):
            self.runner.handle_message(*found)


@contextmanager
def joined_master(monkeypatch: pytest.MonkeyPatch, **plan: Any) -> Iterator[Master]:
    """Make a master that the workers a and b have joined; it ends with the block."""
    monkeypatch.setattr(Server, "recv_from_client", Server.recv_from_client)
    monkeypatch.setattr(MasterRunner, "handle_message", MasterRunner.handle_message)
    with controller_bench(monkeypatch, **plan) as bench:
        controller = bench.controller
        attachment = Attachment(None)
        attachment.master = side = MasterSide(controller, None)
        locust_patches.read_messages_through(attachment._intake.read, attachment._intake.failed)
        runner, events = bench.runner, bench.runner.environment.events
        events.worker_report.add_listener(attachment._worker_report)
        for kind, listener in (
            (agent.LIMITS, side.limits),
            (agent.STOPPING, side.stopping),
            (agent.FINAL, side.final),
            (agent.REFUSED, side.refused),
            (agent.FAULT, side.fault),
            ("holdfast_numbers_wanted", side.numbers_wanted),
        ):
            runner.register_message(kind, listener)
        monkeypatch.setattr(runner.server, "send_to_client", lambda message: None)
        monkeypatch.setattr(runner, "start", lambda *arguments, **more: None)
        made = Master(bench, attachment)
        for worker in ("a", "b"):
            made.read(worker, "client_ready", "2.47.0")
        assert sorted(controller.live()) == ["a", "b"]
        yield made
