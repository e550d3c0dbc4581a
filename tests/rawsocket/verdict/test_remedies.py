import errno
import os

import pytest

from rawsocket.verdict import remedies
from rawsocket.verdict.judge import Check, Figures, RowFigures
from rawsocket.verdict.observed import Facts, LabFact, Observed
from rawsocket.verdict.saturation import Loop

P99 = Check("max_p99_ms", 1000, 2000.0, False)


@pytest.mark.parametrize(
    ("model", "cap", "wanted", "remedy"),
    [
        ("select", 20, 60, "Set MAX_CONNECTIONS=60."),
        ("select", 1000, 1500, "Set MODEL=epoll, or PROCESSES=auto and MAX_CONNECTIONS=1500."),
        (
            "tutorial",
            1000,
            1100,
            "Set MODEL=epoll, or MODEL=select with PROCESSES=auto and MAX_CONNECTIONS=1100.",
        ),
        ("select", 1000, 800, "Set MAX_CONNECTIONS=1001 or MODEL=epoll."),
        ("epoll", 1000, 1500, "Set MAX_CONNECTIONS=1500."),
        ("", None, 60, "Raise the server's limit of connections, or lower USERS."),
    ],
)
def test_remedy_of_a_cap_is_one_that_the_model_can_follow(
    model: str, cap: int | None, wanted: int, remedy: str
) -> None:
    assert remedies.cap(model, cap, wanted) == remedy


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (errno.EADDRNOTAVAIL, "no source port left"),
        (errno.EMFILE, "no descriptor left"),
        (errno.ENFILE, "no descriptor left"),
        (errno.ENOBUFS, "no memory left for sockets"),
        (errno.ENOMEM, "no memory left"),
        (errno.EPERM, "no source port, descriptor or memory left"),
    ],
)
def test_shortage_by_the_text_of_the_systems_error(code: int, what: str) -> None:
    assert remedies.shortage(f"connect to ('::1', 9): [Errno {code}] {os.strerror(code)}")[0] == what


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (Facts(Figures(), observed=Observed(loop_lag_s=1.25)), ". A turn of the server's loop took 1.25 s"),
        (Facts(Figures(loop=Loop(server_share=0.97))), ". A process of the server used 97% of a core"),
        (
            Facts(Figures(rows={"get": RowFigures(p99_ms=2000.0, sent_p99_ms=9.0)})),
            ". Messages waited for the reply before them: from sent it was 9 ms",
        ),
        (Facts(Figures(rows={"get": RowFigures(p99_ms=2000.0, sent_p99_ms=1900.0)})), ""),
    ],
)
def test_slow_replies_name_where_the_time_goes(facts: Facts, why: str) -> None:
    assert remedies.of_slow_replies(facts, P99)[0] == why


OWN, QUEUED = RowFigures(p99_ms=2000.0), RowFigures(p99_ms=2000.0, sent_p99_ms=9.0)
FAST = RowFigures(p99_ms=20.0, sent_p99_ms=1.0)


@pytest.mark.parametrize(
    ("rows", "name", "waited"),
    [
        ({"buy": OWN, "get": FAST}, "max_p99_ms", False),
        ({"buy": OWN, "get": QUEUED}, "max_p99_ms", True),
        ({"buy": OWN, "get": QUEUED}, "max_p99_ms[buy]", False),
        ({"buy": OWN, "get": QUEUED}, "max_p99_ms[get]", True),
        ({"buy": OWN, "login": RowFigures(p99_ms=2000.0, sent_p99_ms=9.0, judged=False)}, "max_p99_ms", False),
        ({"buy": OWN, "get": QUEUED}, "max_p99_ms[nosuch]", False),
    ],
)
def test_messages_waited_only_if_a_row_that_the_limit_judges_was_sent_late(
    rows: dict[str, RowFigures], name: str, waited: bool
) -> None:
    facts = Facts(Figures(rows=rows), checks=[Check(name, 1000, 2000.0, False)])
    assert ("waited for the reply" in remedies.of_slow_replies(facts, facts.checks[0])[0]) is waited


def test_row_with_a_limit_of_its_own_says_nothing_of_the_others() -> None:
    facts = Facts(Figures(rows={"buy": OWN, "get": QUEUED}), checks=[P99, Check("max_p99_ms[get]", 3000, 2000.0, True)])
    assert "waited" not in remedies.of_slow_replies(facts, P99)[0]


def test_threshold_that_is_no_time_has_no_such_remedy() -> None:
    assert remedies.of_slow_replies(Facts(Figures()), Check("min_held", 5, 4, False)) == ("", "")


@pytest.mark.parametrize(
    ("figures", "known"),
    [
        (Figures(messages_s=60.0, waiting=3), True),
        (Figures(messages_s=60.0, waiting=900), False),
        (Figures(messages_s=60.0, failures=1), False),
        (Figures(messages_s=60.0, missing=1), False),
        (Figures(messages_s=60.0, loop=Loop(closed=True)), False),
    ],
)
def test_too_few_messages_are_the_loads_fault_if_the_server_kept_up(figures: Figures, known: bool) -> None:
    for name, of in (("min_messages_s", ""), ("min_messages_s[hello]", " of hello")):
        said, remedy = remedies.of_threshold(Facts(figures), Check(name, 500, 60, False))
        small = f"The load was too small for MIN_MESSAGES_S: 60 of 500 messages a second{of}; the server kept up"
        assert (said == small) is known
        assert remedy == ("Lower EVERY, or raise USERS." if known else "")


@pytest.mark.parametrize(
    ("every_s", "users", "actual", "remedy"),
    [
        (1.0, 60, 60.39, "Lower EVERY to 0.12, or raise USERS to 500."),
        (10.0, 1200, 499.9, "Lower EVERY to 9.9, or raise USERS to 1300."),
        (30.0, 2, 4.0, "Lower EVERY to 0.24, or raise USERS to 250."),
        (0.0, 60, 60.0, "Lower EVERY, or raise USERS."),
        (1.0, 60, 0.0, "Lower EVERY, or raise USERS."),
    ],
)
def test_load_that_is_large_enough_is_computed(every_s: float, users: int, actual: float, remedy: str) -> None:
    facts = Facts(Figures(messages_s=actual), every_s=every_s, users=users)
    assert remedies.of_few_messages(facts, Check("min_messages_s", 500, actual, False)) == remedy


@pytest.mark.parametrize(
    ("model", "server", "remedy"),
    [
        ("select", {}, "or set PROCESSES=2 (or auto)."),
        ("epoll", {"processes_wanted": 4}, "or set PROCESSES=8 (or auto)."),
        ("threaded", {}, "or make the server faster."),
        ("", {}, "or make the server faster."),
    ],
)
def test_busy_process_gets_others_beside_it_where_its_model_allows(
    model: str, server: dict[str, int], remedy: str
) -> None:
    facts = Facts(Figures(loop=Loop(server_share=0.97)), model=model, server=server)
    assert remedies.of_slow_replies(facts, P99)[1].endswith(remedy)


@pytest.mark.parametrize(
    ("facts", "part", "remedy"),
    [
        ([LabFact("server", "it was killed (SIGKILL), by hand")], "server", "Look for who killed it: the kernel's log"),
        ([LabFact("worker-2", "it ended with 1")], "worker", "Look in the log of the worker (logs/worker-2.log)"),
        ([], "server", "Look in the log of the server for why"),
    ],
)
def test_remedy_of_a_part_that_ended_is_where_to_look(facts: list[LabFact], part: str, remedy: str) -> None:
    assert remedies.of_end(Facts(Figures(), lab=facts), part).startswith(remedy)
