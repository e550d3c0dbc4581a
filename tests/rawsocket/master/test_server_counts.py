"""The server's counters that the master reads for the ledger."""

import argparse
import dataclasses
from typing import Any

import pytest

from rawsocket.master import server_counts
from rawsocket.master.live.server_usage import ServerUsage, Usage
from rawsocket.master.server_counts import AT_END, AT_START, NEVER_ENDED, RESTARTED, ServerCounts
from rawsocket.master.server_probe import STARTED, Counters
from rawsocket.verdict.ledger import Moment, ServerSide, WireFormat
from rawsocket.wire import framing
from tests.rawsocket.master.test_timeline import SAMPLE

START = {"connections": 2, "backlog": 1, "accepted_total": 5, STARTED: 7.0}
END = {"connections": 2, "backlog": 0, "accepted_total": 15, STARTED: 7.0}


class FakeProbe:
    """Returns the counters given by the test."""

    def __init__(self, start: Counters | None, end: Counters | None = None, present: bool = True) -> None:
        self.counters: Counters | None = None
        self.present = present
        self.usage = ServerUsage()
        self.asked: list[tuple[int, float]] = []
        self._start, self._end = start, end

    def poll(self) -> Counters | None:
        self.counters = self._start or self.counters
        return self._start

    def poll_until_quiet(self, held: int, seconds: float) -> Counters | None:
        self.asked.append((held, seconds))
        self.counters = self._end or self.counters
        return self._end


def _started(probe: FakeProbe) -> ServerCounts:
    return ServerCounts.at_start(probe)  # type: ignore[arg-type]


def _ended(probe: FakeProbe, hurry: bool = False) -> ServerSide:
    counts = _started(probe)
    counts.end(hurry)
    return counts.for_ledger()


def test_counters_between_start_and_end() -> None:
    probe = FakeProbe(START, END)
    assert _ended(probe) == ServerSide({**END, "accepted_total": 10}, held_before=2, waiting_before=1)
    assert probe.asked == [(2, server_counts.QUIET_WITHIN_S)]


def test_server_without_counters_has_its_cpu_and_memory_in_the_verdict_and_no_side_in_the_ledger() -> None:
    probe = FakeProbe(None, present=False)
    probe.usage = ServerUsage(lambda: Usage("1", "noon", 1.5, 20), "engine", "redis")
    counts = _started(probe)
    probe.usage.poll()
    counts.end()
    assert counts.document
    assert (counts.document["source"], counts.document["memory_bytes"]) == ("engine", 20)
    assert (counts.grown, counts.for_ledger()) == (None, ServerSide())


def test_interrupted_run_waits_less() -> None:
    probe = FakeProbe(START, END)
    _ended(probe, hurry=True)
    assert probe.asked == [(2, server_counts.QUIET_WITHIN_S_HURRIED)]


@pytest.mark.parametrize(
    ("probe", "trouble"),
    [
        (FakeProbe(None, END), AT_START),
        (FakeProbe(START, None), AT_END),
        (FakeProbe(START, {**END, STARTED: 8.0}), RESTARTED),
        (FakeProbe(START, {**END, "accepted_total": 4}), RESTARTED),
        (FakeProbe(None, None, present=False), ""),
    ],
)
def test_unavailable_counters_are_unknown(probe: FakeProbe, trouble: str) -> None:
    server = _ended(probe)
    assert (server.grown, server.trouble) == (None, trouble)


def test_recent_answer_replaces_an_unavailable_one_at_the_start() -> None:
    probe = FakeProbe(None, END)
    probe.counters = START
    assert _ended(probe).trouble == ""


def test_no_doubt_before_the_first_run() -> None:
    probe = FakeProbe(START, END)
    counts = ServerCounts.before_first_run(probe)  # type: ignore[arg-type]
    assert counts.for_ledger() == ServerSide()
    assert counts.grown is None
    probe.poll()
    assert counts.grown == START


def test_run_without_an_end_has_a_doubt_until_it_ends() -> None:
    probe = FakeProbe(START, END)
    first = _started(probe)
    assert first.for_ledger().trouble == NEVER_ENDED
    assert first.grown == {**START, "accepted_total": 0}  # so far
    first.end()
    assert first.for_ledger().trouble == ""
    second = _started(probe)
    assert (second.for_ledger().grown, second.for_ledger().trouble) == (None, NEVER_ENDED)


def test_counts_of_a_server_without_counters_are_empty() -> None:
    counts = ServerCounts.none()
    counts.end()
    assert (counts.grown, counts.for_ledger()) == (None, ServerSide())


STILL = [dataclasses.replace(SAMPLE, held=13, server_held=1, connects_s=0.0)] * 3


@pytest.mark.parametrize(
    ("last", "wanted"),
    [
        ({}, Moment(13, 1, 1)),
        ({"held": 12}, None),
        ({"connects_s": 0.5}, None),
        ({"server_held": None}, None),
    ],
)
def test_held_counts_at_the_stop_are_kept_only_if_unchanged(last: dict[str, Any], wanted: Moment | None) -> None:
    made = _started(FakeProbe(START, END))
    made.stopping([*STILL[1:], dataclasses.replace(STILL[0], **last)])
    assert made.for_ledger().at_stop == wanted


def test_run_of_two_seconds_has_no_counts_at_the_stop() -> None:
    made = _started(FakeProbe(START, END))
    made.stopping(STILL[1:])
    assert made.for_ledger().at_stop is None


def _user(**attributes: Any) -> type:
    return type("User", (), attributes)


@pytest.mark.parametrize(
    ("users", "option", "wanted"),
    [
        ([_user()], "line", "line"),
        ([_user(framing=None)], "chunk", "chunk"),
        ([_user(framing=framing.Line())], "chunk", "line"),
        ([_user(framing=framing.Delimiter(b"\n"))], "chunk", "line"),
        ([_user(framing=framing.Delimiter(b"\r\n"))], "line", "delimiter"),
        ([_user(framing=framing.Line(many=True))], "line", "several lines in a payload"),
        ([_user(framing=framing.LengthPrefixed(4))], "line", "lengthprefixed"),
        ([_user(framing=framing.Chunk())], "line", "chunk"),
        ([_user(), _user(framing=framing.Chunk())], "line", "mixed"),
        ([], "line", "line"),
    ],
)
def test_wire_format_of_the_users(users: list[type], option: str, wanted: str) -> None:
    assert server_counts.wire_format(users, argparse.Namespace(framing=option, size=7, app="hello")) == WireFormat(
        wanted, 7, "hello"
    )
