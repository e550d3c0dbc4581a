import errno
import os

import pytest

from rawsocket.verdict import remedies
from rawsocket.verdict.judge import Check, Figures
from rawsocket.verdict.observed import Facts, Observed
from rawsocket.verdict.saturation import Loop

P99 = Check("max_p99_ms", 1000, 2000.0, False)


@pytest.mark.parametrize(
    ("model", "cap", "wanted", "remedy"),
    [
        ("select", 20, 60, "Set MAX_CONNECTIONS=60."),
        ("select", 1000, 1500, "Set MODEL=epoll, or PROCESSES=auto with MAX_CONNECTIONS=1500."),
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
        (Facts(Figures(), observed=Observed(loop_lag_s=1.25)), ". A turn of the server's loop took 1,250 ms"),
        (Facts(Figures(loop=Loop(server_share=0.97))), ". A process of the server used 97% of a core"),
        (
            Facts(Figures(latency_ms={"from_sent": {"p99": 9.0}, "from_due": {"p99": 2000.0}})),
            ". Messages waited for the reply before them; from sent it is 9 ms",
        ),
        (Facts(Figures(latency_ms={"from_sent": {"p99": 1900.0}, "from_due": {"p99": 2000.0}})), ""),
    ],
)
def test_slow_replies_name_where_the_time_goes(facts: Facts, why: str) -> None:
    assert remedies.of_slow_replies(facts, P99)[0] == why


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
    for name in ("min_messages_s", "min_messages_s[hello]"):
        why, remedy = remedies.of_threshold(Facts(figures), Check(name, 500, 60, False))
        assert (why, remedy) == (
            (". The server kept up: the load asked for no more", "Lower EVERY, or raise USERS.") if known else ("", "")
        )
    assert remedies.of_threshold(Facts(figures), Check("min_held", 5, 4, False)) == ("", "")
