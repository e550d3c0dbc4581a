"""Descriptors: the sum, and what is said when it does not come out."""

from __future__ import annotations

import os
import resource

import pytest

from server import limits
from server.limits import ADMIN_RESERVE, FEWEST_REFUSALS, MARGIN, MOST_REFUSALS, Room, room
from server.pollers import SELECT_WALL
from server.settings import UsageError

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
    with pytest.raises(UsageError, match=r"select can only watch descriptors below 1024.*--model epoll$"):
        room(5000, 1000, 20_000, SELECT_WALL, FIXED, "select")


def test_the_limit_is_named_where_it_is_what_stands_in_the_way() -> None:
    with pytest.raises(UsageError, match=r"may open only 512 descriptors \(RLIMIT_NOFILE\).*raise the hard limit"):
        room(1000, 1000, 512, SELECT_WALL, FIXED, "select")


def test_a_limit_that_leaves_no_room_at_all_is_said() -> None:
    with pytest.raises(UsageError, match="the server itself needs"):
        room(None, 1000, 10, SELECT_WALL, FIXED, "select")


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
