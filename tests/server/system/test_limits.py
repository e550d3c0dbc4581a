"""Descriptor limits: the computed capacity, and the messages when it does not fit."""

from __future__ import annotations

import os
import re
import resource

import pytest

from server.models.base import load
from server.models.select import SelectModel
from server.readiness.pollers import FD_SETSIZE
from server.settings import UsageError, parse
from server.system import limits
from server.system.limits import ADMIN_RESERVE, MARGIN, MAX_REFUSALS, MIN_REFUSALS, Capacity, single_process_capacity

SET_ASIDE = ADMIN_RESERVE + MARGIN

#: stdin, stdout, stderr, listener, admin port, two for signals, the spare.
FIXED = 8


def test_select_holds_its_default_with_room_for_the_rest() -> None:
    found = single_process_capacity(None, 1000, 20_000, FD_SETSIZE, FIXED, "select")
    assert found == Capacity(1000, 10)
    assert FIXED + SET_ASIDE + found.cap + found.refusals <= FD_SETSIZE


def test_epoll_holds_what_the_limit_allows() -> None:
    found = single_process_capacity(None, None, 20_000, None, FIXED + 1, "epoll")
    assert found == Capacity(20_000 - FIXED - 1 - SET_ASIDE - MIN_REFUSALS, MIN_REFUSALS)


def test_with_spare_descriptors_more_refusals_may_linger() -> None:
    assert single_process_capacity(100, 1000, 20_000, FD_SETSIZE, FIXED, "select") == Capacity(100, MAX_REFUSALS)


def test_a_default_that_does_not_fit_is_lowered() -> None:
    assert (
        single_process_capacity(None, 1000, 256, FD_SETSIZE, FIXED, "select").cap
        == 256 - FIXED - SET_ASIDE - MIN_REFUSALS
    )


def test_the_largest_cap_that_the_message_names_fits_and_one_more_does_not() -> None:
    with pytest.raises(UsageError, match="use 1006 or fewer"):
        single_process_capacity(1007, 1000, 20_000, FD_SETSIZE, FIXED, "select")
    assert single_process_capacity(1006, 1000, 20_000, FD_SETSIZE, FIXED, "select") == Capacity(1006, MIN_REFUSALS)


def test_the_message_names_fd_setsize_if_that_is_the_limit() -> None:
    with pytest.raises(UsageError, match=r"select can only watch descriptors below 1024.*or fewer, or --model epoll$"):
        single_process_capacity(5000, 1000, 20_000, FD_SETSIZE, FIXED, "select")


def test_the_message_names_the_number_of_processes_only_if_it_is_possible() -> None:
    with pytest.raises(UsageError, match=r"or fewer, or raise"):
        single_process_capacity(2_000_000_000, None, 20_000, None, FIXED, "epoll", multi_process=True)
    with pytest.raises(UsageError, match=r"use 1006 or fewer, --processes 15, or --model epoll$"):
        single_process_capacity(15_000, 1000, 20_000, FD_SETSIZE, FIXED, "select", multi_process=True)


def test_the_message_names_the_descriptor_limit_if_that_is_the_limit() -> None:
    with pytest.raises(UsageError, match=r"may open only 512 descriptors \(RLIMIT_NOFILE\).*raise the hard limit"):
        single_process_capacity(1000, 1000, 512, FD_SETSIZE, FIXED, "select")


def test_a_limit_that_leaves_no_room_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"may open only 14 .*the server itself needs 18: raise the hard limit .*$"):
        single_process_capacity(None, 1000, 14, FD_SETSIZE, FIXED, "select")
    with pytest.raises(UsageError, match=r"descriptors below 1024, and the server itself needs 1030: --model epoll$"):
        single_process_capacity(None, 1000, 20_000, FD_SETSIZE, 1020, "select")


@pytest.mark.parametrize(
    ("limit", "asked", "remedies"),
    [
        (1000, 1006, "use 982 or fewer, --processes 2, or raise the hard limit (ulimit -Hn)"),
        (1024, 1007, "use 1006 or fewer, --processes 2, or raise the hard limit (ulimit -Hn) and use --model epoll"),
        (1024, 5000, "use 1006 or fewer, --processes 5, or raise the hard limit (ulimit -Hn) and use --model epoll"),
        (5018, 5000, "use 1006 or fewer, --processes 5, or raise the hard limit (ulimit -Hn) and use --model epoll"),
        (5019, 5000, "use 1006 or fewer, --processes 5, or --model epoll"),
        (160, 5000, "use 142 or fewer, or raise the hard limit (ulimit -Hn) and use --model epoll"),
    ],
)
def test_the_message_names_only_remedies_that_help(limit: int, asked: int, remedies: str) -> None:
    with pytest.raises(UsageError) as said:
        single_process_capacity(asked, 1000, limit, FD_SETSIZE, FIXED, "select", multi_process=True)
    assert str(said.value).endswith(f"; {remedies}")


# Several processes


def select(*flags: str, limit: int = 20_000, in_use: int = FIXED) -> Capacity:
    """Return the capacity of a select server with these flags, computed as for a real one."""
    settings = parse([*flags], {})
    count = limits.process_count(settings, SelectModel)
    assert count
    return limits.multi_process_capacity(settings, SelectModel, count, limit, in_use)


@pytest.fixture
def plenty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "rlimit_nofile", lambda: 20_000)


@pytest.mark.parametrize(
    ("flags", "model", "count"),
    [
        ((), "select", 0),
        (("--processes", "1"), "select", 0),
        (("--processes", "auto"), "select", 0),
        (("--processes", "auto", "--max-connections", "1000"), "select", 0),
        (("--processes", "auto", "--max-connections", "1001"), "select", 2),
        (("--processes", "auto", "--max-connections", "15000"), "select", 15),
        (("--processes", "auto", "--max-connections", "15000"), "epoll", 0),
        (("--processes", "auto", "--max-connections", "50000"), "epoll", 3),
        (("--processes", "auto", "--max-connections", "1000000"), "select", 1000),
        (("--processes", "4"), "epoll", 4),
        (("--processes", "auto", "--max-connections", "5000"), "threaded", 0),
        ((), "prefork", 8),
        (("--max-connections", "30"), "prefork", 30),
    ],
)
@pytest.mark.usefixtures("plenty")
def test_the_number_of_child_processes(flags: tuple[str, ...], model: str, count: int) -> None:
    assert limits.process_count(parse([*flags], {}), load(model)) == count


@pytest.mark.parametrize(
    ("flags", "model", "said"),
    [
        (
            ("--processes", "2"),
            "threaded",
            r"--processes 2: processes of threaded can't share connections; choose --model select",
        ),
        (("--processes", "2"), "prefork", "processes of prefork can't share connections"),
        (("--max-connections", "1001"), "prefork", "a process for each connection; use 1000 or fewer"),
        (
            ("--processes", "auto", "--max-connections", "1000001"),
            "select",
            "--max-connections 1000001 does not fit: it takes 1001 processes of select; use 1000000 or fewer",
        ),
    ],
)
@pytest.mark.usefixtures("plenty")
def test_a_model_that_can_not_share_connections_is_an_error(flags: tuple[str, ...], model: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        limits.process_count(parse(["--model", model, *flags], {}), load(model))


@pytest.mark.usefixtures("plenty")
def test_several_processes_hold_the_default_share_each() -> None:
    assert select("--processes", "4") == Capacity(4000, MAX_REFUSALS, 4)
    assert select("--processes", "auto", "--max-connections", "15000").share == 1000
    assert select("--processes", "16", "--max-connections", "15000").share == 938


@pytest.mark.usefixtures("plenty")
def test_a_cap_that_several_processes_can_not_hold_is_an_error_with_a_remedy() -> None:
    with pytest.raises(
        UsageError, match=r"does not fit 4 processes: select can only watch .* or --processes 15$"
    ) as said:
        select("--processes", "4", "--max-connections", "15000")
    largest = int(re.search(r"each holds (\d+) at most", str(said.value))[1])  # type: ignore[index]
    assert 1000 < largest < FD_SETSIZE
    assert select("--processes", "4", "--max-connections", str(4 * largest)).share == largest
    assert select("--processes", "15", "--max-connections", "15000").cap == 15_000


@pytest.mark.usefixtures("plenty")
def test_the_parent_needs_descriptors_too() -> None:
    with pytest.raises(UsageError, match=r"500 processes do not fit: their parent needs \d+ descriptors"):
        select("--processes", "500", limit=1024)
    assert select("--processes", "200", limit=1024).processes == 200


def test_a_low_limit_lowers_the_default_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "rlimit_nofile", lambda: 512)
    found = select("--processes", "2", limit=512)
    assert found.share == limits.max_share(512, FD_SETSIZE) < 512
    assert found.cap == 2 * found.share


# This process


def test_open_descriptors_are_counted() -> None:
    before = limits.open_descriptors()
    fd = os.open(os.devnull, os.O_RDONLY)
    assert limits.open_descriptors() == before + 1
    os.close(fd)
    assert limits.open_descriptors() == before


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard - 1, hard))
        assert limits.raise_descriptor_limit() == hard == limits.rlimit_nofile()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_limit_that_can_not_be_raised_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 200))
    monkeypatch.setattr(resource, "setrlimit", forbidden)
    assert limits.raise_descriptor_limit() == 100
