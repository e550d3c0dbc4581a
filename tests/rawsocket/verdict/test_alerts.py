import dataclasses
from typing import Any

import pytest

from rawsocket.measurement.report import ScenarioError
from rawsocket.verdict.alerts import ALERTS, LABELS, AlertBook, Begun, Now, Server, status
from rawsocket.verdict.observed import Silence
from rawsocket.verdict.silent_feeds import FeedSilence

FINE = Now(at_s=9.0, wanted=60, held=60, target="tcp://db:7", server=Server(held=60, cap=100, model="epoll"))
SELECT = Server(held=1000, cap=1000, model="select")


def _now(**changes: Any) -> Now:
    return dataclasses.replace(FINE, **changes)


def _texts(now: Now) -> list[tuple[str, str]]:
    book = AlertBook()
    new = [(alert.name, alert.text) for alert in book.update(now)]
    assert new == [(alert["name"], alert["text"]) for alert in book.lasting]
    return new


def test_run_without_trouble_has_no_alert() -> None:
    assert _texts(FINE) == []


@pytest.mark.parametrize(
    ("changes", "name", "text"),
    [
        (
            {"wanted": 1500, "server": SELECT, "failures": {"server-full": 731}},
            "server-full",
            "Server full: it holds 1,000; 500 users are refused. Set MODEL=epoll, or PROCESSES=auto and "
            "MAX_CONNECTIONS=1500.",
        ),
        (
            {"failures": {"server-full": 7}, "growing": frozenset({"server-full"}), "server": Server(), "wanted": 61},
            "server-full",
            "Server full: it holds 60; 1 user is refused. Raise the server's limit of connections, or lower USERS.",
        ),
        (
            {
                "failures": {"server-full": 7},
                "growing": frozenset({"server-full"}),
                "held": 0,
                "server": Server(held=0, cap=20, model="select"),
            },
            "server-full",
            "Server full: it holds 20; 40 users are refused. Set MAX_CONNECTIONS=60.",
        ),
        ({"feed": FeedSilence(6.0, 8.0, 196)}, "feed-silent", "No push for 8 s: before, there were 196 a second"),
        ({"silence": Silence(4.0, 12.2, 148)}, "server-silent", "Server silent for 12 s, 148 replies overdue"),
        (
            {"server": Server(answers=False, silent_s=7.0)},
            "server-silent",
            "No answer from the server's admin port for 7 s",
        ),
        ({"outstanding": (148, 12.2)}, "replies-overdue", "148 replies are overdue for up to 12 s"),
        ({"outstanding": (1, 3.0)}, "replies-overdue", "1 reply is overdue for up to 3 s"),
        (
            {"outstanding": (9, 5.0), "server": Server(processes=4, processes_wanted=4, stuck=1)},
            "replies-overdue",
            "9 replies are overdue for up to 5 s: 1 of 4 processes of the server answers nothing",
        ),
        (
            {"outstanding": (9, 12.2), "silence": Silence(4.0, 12.2, 148)},  # nobody gets a reply
            "server-silent",
            "Server silent for 12 s, 148 replies overdue",
        ),
        (
            {"failures": {"refused": 1132}, "growing": frozenset({"refused"}), "held": 0},
            "refused",
            "Nothing can be reached at tcp://db:7: 1,132 connects refused",
        ),
        (
            {"server": Server(processes=3, processes_wanted=4)},
            "process-lost",
            "Only 3 of 4 processes of the server serve",
        ),
        (
            {"growing": frozenset({"processes-lost"})},
            "process-lost",
            "A process of the server was lost and replaced: its connections were cut",
        ),
        ({"growing": frozenset({"restarted"})}, "process-lost", "The server was restarted: its connections were cut"),
        ({"lost": [("worker 2", "it went missing")]}, "worker-lost", "Worker 2 lost: it went missing"),
        ({"ages": [("worker 2", 4.25)]}, "worker-silent", "Worker 2 has sent no report for 4.2 s"),
        (
            {"saturated": [("worker 1", "worker 1 was late by 671 ms (p99; the limit is 50 ms): x")]},
            "saturated",
            "Worker 1 was late by 671 ms (p99; the limit is 50 ms): x",
        ),
        (
            {
                "failures": {"generator-limit": 3},
                "growing": frozenset({"generator-limit"}),
                "limit_example": "connect to x: [Errno 24] Too many open files",
            },
            "generator-limit",
            "No descriptor left on the load generator's machine (3 times). Use more workers, or raise the hard "
            "limit on open files.",
        ),
        (
            {"scenario_errors": [ScenarioError("KeyError", "mine.py:9", "'token'", 586)]},
            "scenario",
            "The scenario raised KeyError 586 times, first at mine.py:9: 'token'",
        ),
    ],
)
def test_each_alert_says_what_is_wrong(changes: dict[str, Any], name: str, text: str) -> None:
    assert _texts(_now(**changes)) == [(name, text)]


@pytest.mark.parametrize(
    "changes",
    [
        {"failures": {"server-full": 7}},  # some were refused in the past, and there is room now
        {"server": SELECT},  # exactly as many as it holds
        {"silence": Silence(4.0, 2.9, 148)},
        {"silence": Silence(4.0, 8.0, 148), "slowest_s": 9.0},  # replies take as long in this run
        {"server": Server(answers=False, silent_s=2.0)},
        {"outstanding": (9, 8.0), "slowest_s": 9.0},
        {"outstanding": (9, 3.1), "silence": Silence(4.0, 2.4, 148)},  # a silence is about to be told
        {"server": Server(processes=4, processes_wanted=4, stuck=1)},  # no reply is overdue
        {"failures": {"refused": 5}, "growing": frozenset({"refused"})},  # others are held
        {"failures": {"generator-limit": 3}},
        {"ages": [("worker 2", 1.9)]},
    ],
)
def test_what_is_over_or_usual_is_no_alert(changes: dict[str, Any]) -> None:
    assert _texts(_now(**changes)) == []


def test_alert_has_lasted_since_it_began_and_is_new_once() -> None:
    book, lost = AlertBook(), [("worker 2", "it quit")]
    assert len(book.update(_now(at_s=5.0, lost=lost))) == 1
    assert book.update(_now(at_s=6.0, lost=lost)) == []
    assert [alert["since_s"] for alert in book.lasting] == [5.0]
    assert book.update(_now(at_s=7.0, lost=[*lost, ("worker 1", "it quit")])) == [
        Begun("worker-lost", "Worker 1 lost: it quit", 7.0)
    ]
    assert [alert["since_s"] for alert in book.lasting] == [5.0, 7.0]
    book.update(_now(at_s=8.0))
    assert book.lasting == []


def test_silence_has_lasted_since_the_last_byte() -> None:
    book = AlertBook()
    (begun,) = book.update(_now(at_s=9.0, silence=Silence(5.5, 3.5, 60)))
    assert book.lasting[0]["since_s"] == begun.since_s == 5.5


def test_admin_port_that_does_not_answer_is_silent_since_its_last_answer() -> None:
    (begun,) = AlertBook().update(_now(at_s=9.0, server=Server(answers=False, silent_s=4.0)))
    assert begun.since_s == 5.0


@pytest.mark.parametrize(("name", "label"), [("saturated", "generator slow"), ("server-silent", "server silent")])
def test_label_is_the_name_in_words(name: str, label: str) -> None:
    assert Begun(name, "text", 1.0).label == label
    assert set(LABELS) <= {known for known, _ in ALERTS}


@pytest.mark.parametrize(
    ("word", "changes"),
    [
        ("ready", {"started": False}),
        ("starting", {"reporting": False}),
        ("on track", {}),
        ("in trouble", {"troubled": True}),
        ("in trouble", {"troubled": True, "reporting": False}),
        ("FAIL", {"troubled": True, "verdict": "fail"}),
        ("UNKNOWN", {"verdict": "unknown"}),
    ],
)
def test_status_is_one_word_for_the_run(word: str, changes: dict[str, Any]) -> None:
    assert status(**{"started": True, "reporting": True, "troubled": False, **changes}) == word
