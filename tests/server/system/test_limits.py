"""Descriptors: the sum, and what is said when it does not come out."""

from __future__ import annotations

import os
import re
import resource

import pytest

from server.models import load
from server.models.select import SelectModel
from server.readiness.pollers import SELECT_WALL
from server.settings import UsageError, parse
from server.system import limits
from server.system.limits import ADMIN_RESERVE, FEWEST_REFUSALS, MARGIN, MOST_REFUSALS, Room, room

SET_ASIDE = ADMIN_RESERVE + MARGIN

#: stdin, stdout, stderr, listener, admin port, two for signals, the spare.
FIXED = 8


def test_select_holds_its_default_with_room_for_the_rest() -> None:
    found = room(None, 1000, 20_000, SELECT_WALL, FIXED, "select")
    assert found == Room(1000, 10)
    assert FIXED + SET_ASIDE + found.cap + found.refusals <= SELECT_WALL


def test_epoll_holds_what_the_limit_allows() -> None:
    found = room(None, None, 20_000, None, FIXED + 1, "epoll")
    assert found == Room(20_000 - FIXED - 1 - SET_ASIDE - FEWEST_REFUSALS, FEWEST_REFUSALS)


def test_with_descriptors_to_spare_more_refusals_may_linger() -> None:
    assert room(100, 1000, 20_000, SELECT_WALL, FIXED, "select") == Room(100, MOST_REFUSALS)


def test_a_default_that_does_not_fit_is_lowered() -> None:
    assert room(None, 1000, 256, SELECT_WALL, FIXED, "select").cap == 256 - FIXED - SET_ASIDE - FEWEST_REFUSALS


def test_the_largest_that_is_named_does_fit_and_one_more_does_not() -> None:
    with pytest.raises(UsageError, match="use 1006 or fewer"):
        room(1007, 1000, 20_000, SELECT_WALL, FIXED, "select")
    assert room(1006, 1000, 20_000, SELECT_WALL, FIXED, "select") == Room(1006, FEWEST_REFUSALS)


def test_the_wall_is_named_where_it_is_what_stands_in_the_way() -> None:
    with pytest.raises(UsageError, match=r"select can only watch descriptors below 1024.*or fewer, or --model epoll$"):
        room(5000, 1000, 20_000, SELECT_WALL, FIXED, "select")


def test_who_can_share_is_told_how_many_processes_it_takes_but_not_a_silly_number() -> None:
    with pytest.raises(UsageError, match=r"or fewer, or raise"):
        room(2_000_000_000, None, 20_000, None, FIXED, "epoll", scales=True)
    with pytest.raises(UsageError, match=r"use 1006 or fewer, --processes 15, or --model epoll$"):
        room(15_000, 1000, 20_000, SELECT_WALL, FIXED, "select", scales=True)


def test_the_limit_is_named_where_it_is_what_stands_in_the_way() -> None:
    with pytest.raises(UsageError, match=r"may open only 512 descriptors \(RLIMIT_NOFILE\).*raise the hard limit"):
        room(1000, 1000, 512, SELECT_WALL, FIXED, "select")


def test_a_limit_that_leaves_no_room_at_all_is_said() -> None:
    with pytest.raises(UsageError, match=r"may open only 14 .*the server itself needs 18: raise the hard limit .*$"):
        room(None, 1000, 14, SELECT_WALL, FIXED, "select")
    with pytest.raises(UsageError, match=r"descriptors below 1024, and the server itself needs 1030: --model epoll$"):
        room(None, 1000, 20_000, SELECT_WALL, 1020, "select")


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
def test_only_what_would_be_one_is_named_as_a_remedy(limit: int, asked: int, remedies: str) -> None:
    with pytest.raises(UsageError) as said:
        room(asked, 1000, limit, SELECT_WALL, FIXED, "select", scales=True)
    assert str(said.value).endswith(f"; {remedies}")


# Several processes


def select(*flags: str, limit: int = 20_000, in_use: int = FIXED) -> Room:
    """Return the room of a select server with these flags, decided as for a real one."""
    settings = parse([*flags], {})
    count = limits.processes(settings, SelectModel)
    assert count
    return limits.shared_room(settings, SelectModel, count, limit, in_use)


@pytest.fixture
def plenty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "descriptor_limit", lambda: 20_000)


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
def test_how_many_processes_serve_below_the_one_that_begins(flags: tuple[str, ...], model: str, count: int) -> None:
    assert limits.processes(parse([*flags], {}), load(model)) == count


@pytest.mark.parametrize(
    ("flags", "model", "said"),
    [
        (("--processes", "2"), "threaded", r"--processes 2: several of threaded can't share; choose --model select"),
        (("--processes", "2"), "prefork", "several of prefork can't share"),
        (("--max-connections", "1001"), "prefork", "a process for each connection; use 1000 or fewer"),
        (
            ("--processes", "auto", "--max-connections", "1000001"),
            "select",
            "--max-connections 1000001 does not fit: it takes 1001 processes of select; use 1000000 or fewer",
        ),
    ],
)
@pytest.mark.usefixtures("plenty")
def test_who_can_not_share_is_told_so(flags: tuple[str, ...], model: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        limits.processes(parse(["--model", model, *flags], {}), load(model))


@pytest.mark.usefixtures("plenty")
def test_several_processes_have_room_for_what_each_holds_usually() -> None:
    assert select("--processes", "4") == Room(4000, MOST_REFUSALS, 4)
    assert select("--processes", "auto", "--max-connections", "15000").share == 1000
    assert select("--processes", "16", "--max-connections", "15000").share == 938


@pytest.mark.usefixtures("plenty")
def test_what_several_can_not_hold_is_said_with_how_many_can() -> None:
    with pytest.raises(
        UsageError, match=r"does not fit 4 processes: select can only watch .* or --processes 15$"
    ) as said:
        select("--processes", "4", "--max-connections", "15000")
    largest = int(re.search(r"each holds (\d+) at most", str(said.value))[1])  # type: ignore[index]
    assert 1000 < largest < SELECT_WALL
    assert select("--processes", "4", "--max-connections", str(4 * largest)).share == largest
    assert select("--processes", "15", "--max-connections", "15000").cap == 15_000


@pytest.mark.usefixtures("plenty")
def test_the_parent_needs_descriptors_too() -> None:
    with pytest.raises(UsageError, match=r"500 processes do not fit: their parent needs \d+ descriptors"):
        select("--processes", "500", limit=1024)
    assert select("--processes", "200", limit=1024).processes == 200


def test_a_low_limit_lowers_what_each_holds_usually(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "descriptor_limit", lambda: 512)
    found = select("--processes", "2", limit=512)
    assert found.share == limits.largest_share(512, SELECT_WALL) < 512
    assert found.cap == 2 * found.share


# Of this process


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
        assert limits.raise_descriptor_limit() == hard == limits.descriptor_limit()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_limit_that_can_not_be_raised_has_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 200))
    monkeypatch.setattr(resource, "setrlimit", forbidden)
    assert limits.raise_descriptor_limit() == 100
