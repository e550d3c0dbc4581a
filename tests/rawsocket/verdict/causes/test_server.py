"""Causes that are the server's."""

import pytest

from rawsocket.verdict.causes.cause import Cause, cause
from rawsocket.verdict.judge import Check
from rawsocket.verdict.observed import Observed, Overdue, Silence
from rawsocket.verdict.silent_feeds import FeedSilence
from tests.support.known_facts import FAILED, FULL, GONE, LATE, SERVER, Case, check, counted, known, measured

PARTIAL = Overdue(2.6, 8.5, 10, 1, 4)
CASES: list[Case] = [
    (
        "tutorial-1024",
        known(model="tutorial", counts=counted(1229, {"refused": 4871}, {"closed": 1025}), held_at_stop=2),
        "The tutorial's server crashed: select can't watch descriptor 1,024",
    ),
    (
        "server-restarted",
        known(observed=Observed(restarted_at_s=12.0), lab=(SERVER,)),
        "The server was restarted 12 s after the start: it exited with 1 (MemoryError)",
    ),
    (
        "server-gone",
        known(observed=Observed(server_lost_at_s=4.25), **GONE),
        "The server ended 4.2 s after the start: 60 connections lost, then connects were refused",
    ),
    (
        "server-gone",
        known(observed=Observed(server_lost_at_s=4.25), lab=(SERVER,), **GONE),
        "The server exited with 1 4.2 s after the start (MemoryError): 60 connections lost, then connects were refused",
    ),
    (
        "server-gone",
        known(examples={"refused": "connect: Connection refused"}, **GONE),
        "The server ended: 60 connections lost, then connects were refused",
    ),
    (
        "server-gone",  # a container that was removed has no address any more
        known(examples={"refused": "connect: No route to host"}, lab=(SERVER,), **GONE),
        "The server exited with 1 (MemoryError): 60 connections lost, then connects were refused",
    ),
    (
        "unreachable",
        known(examples={"refused": "connect: No route to host"}, **GONE),
        "tcp://db:7 could not be reached any more: 60 connections lost, then connect: No route to host",
    ),
    (
        "process-lost",
        known(observed=Observed(processes_lost=1, connections_lost=30)),
        "1 process of the server ended and was replaced: 30 connections cut",
    ),
    (
        "wrong-replies",
        known(measured(wrong=85, example="b'x' in place of b'y'")),
        "85 replies did not match the message sent; for example, b'x' in place of b'y'",
    ),
    (
        "unknown-name",
        known(counts=counted(0, {"refused": 60}), examples={"refused": "db:7: the name can't be resolved: -2"}),
        "The name in tcp://db:7 is unknown",
    ),
    (
        "nothing-listening",
        known(counts=counted(0, {"refused": 60}), examples={"refused": "connect: Connection refused"}),
        "Nothing listens at tcp://db:7: all 60 connects were refused",
    ),
    (
        "nothing-listening",
        known(counts=counted(0, {"refused": 60}), examples={"refused": "connect: No route to host"}),
        "tcp://db:7 can't be reached: connect: No route to host",
    ),
    (
        "server-full",
        known(counts=counted(1000, FULL), server={"max_connections": 1000}, peak=1000, checks=[FAILED]),
        "The server holds 1,000 connections (its cap) and refused 3,591 connects",
    ),
    (
        "server-full",
        known(counts=counted(20, FULL), peak=20),
        "The server holds 20 connections and refused 3,591 connects",
    ),
    (
        "server-descriptors",
        known(measured(failures=5), server={"accept_errors_total": 12}),
        "The server could not accept 12 times: it had no descriptor left",
    ),
    (
        "tls",
        known(counts=counted(0, {"tls": 60}), examples={"tls": "certificate has expired"}),
        "TLS failed 60 times: certificate has expired",
    ),
    (
        "server-silent",
        known(measured(missing=437, oldest_s=8.12)),
        "The server was silent for 8.1 s until the end, from 22 s on: 437 replies overdue",
    ),
    (
        "server-silent",
        known(observed=Observed(longest=Silence(6.7, 5.0, 60)), checks=[LATE]),
        "The server was silent for 5 s, from 6.7 s on: 60 replies overdue; p99 latency from due 1.53 s",
    ),
    (
        "replies-overdue",
        known(observed=Observed(overdue=PARTIAL), checks=[LATE]),
        "10 replies were overdue for up to 8.5 s, from 2.6 s on, while others came: 1 of 4 processes of the server "
        "answered nothing; p99 latency from due 1.53 s",
    ),
    (
        "replies-overdue",
        known(observed=Observed(overdue=PARTIAL), counts=counted(20, {}, {"reply-timeout": 9})),
        "10 replies were overdue for up to 8.5 s, from 2.6 s on, while others came: 1 of 4 processes of the server "
        "answered nothing",
    ),
    (
        "silent-connections",
        known(measured(silent_connections=3), checks=[Check("max_silent_connections", 0, 3, False)]),
        "No byte ever arrived on 3 connections: the server may not have accepted them",
    ),
    (
        "feed-silent",
        known(
            observed=Observed(feed=FeedSilence(6.1, 7.4, 196)),
            checks=[Check("min_messages_s[push]", 100, 60, False)],
            at_stop_s=14.0,
        ),
        "No push came for 7.4 s until the end, from 6.1 s on; before, there were 196 a second",
    ),
    (
        "failures",
        known(counts=counted(60, dropped={"closed": 8, "reset": 1}), checks=[FAILED]),
        "8 connections were closed by the server",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_cause_by_what_the_figures_know(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(("wanted", "model"), [(900, "MODEL=select"), (1100, "MODEL=epoll")])
def test_remedy_of_the_tutorials_crash_is_a_model_that_holds_what_was_wanted(wanted: int, model: str) -> None:
    counts = counted(1029, {"refused": 4871}, {"closed": 1025})
    found = cause("fail", known(model="tutorial", counts=counts, held_at_stop=2, wanted=wanted))
    assert found is not None
    assert found.remedy.startswith(f"Set {model},")


def test_remedy_of_a_silence_says_when_it_was() -> None:
    found = cause("fail", known(observed=Observed(longest=Silence(9.0, 3.0, 60)), checks=[LATE]))
    assert found is not None
    assert found.remedy.startswith("Look at what the server did from 9 s to 12 s of the run")


def test_replies_overdue_alone_are_no_cause() -> None:
    assert cause("fail", known(observed=Observed(overdue=PARTIAL))) is None


def test_silent_feed_alone_is_no_cause() -> None:
    assert cause("fail", known(observed=Observed(feed=FeedSilence(6.1, 7.4, 196)))) is None


def test_remedy_of_a_full_server() -> None:
    facts = known(counts=counted(20, FULL), server={"max_connections": 20}, model="epoll", wanted=60)
    assert cause("fail", facts) == Cause(
        "server-full", "The server holds 20 connections (its cap) and refused 3,591 connects", "Set MAX_CONNECTIONS=60"
    )
