import os
import select
import time

import pytest

from rawsocket.engine import timerfd
from rawsocket.engine.timerfd import TimerFd


@pytest.fixture(params=["native", "ctypes"])
def timer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> TimerFd:
    if request.param == "ctypes":
        monkeypatch.setattr(timerfd, "_native", timerfd._through_ctypes)
    elif not hasattr(os, "timerfd_create"):
        monkeypatch.setattr(os, "timerfd_create", _create, raising=False)
        monkeypatch.setattr(os, "timerfd_settime_ns", _settime, raising=False)
    return TimerFd()


def _create(clock: int, *, flags: int) -> int:
    """Replaces the function of Python 3.13."""
    assert (clock, flags) == (time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
    return timerfd._through_ctypes()[0]()


def _settime(fd: int, *, flags: int, initial: int) -> None:
    assert flags == 1
    timerfd._through_ctypes()[1](fd, initial)


def readable(timer: TimerFd, seconds: float) -> bool:
    return bool(select.select([timer.fd], [], [], seconds)[0])


def test_timer_becomes_readable_at_its_time_and_not_before(timer: TimerFd):
    begin = time.perf_counter()
    timer.arm(begin + 1000)
    assert not readable(timer, 0)
    timer.arm(begin + 0.05)
    assert readable(timer, 30)
    assert time.perf_counter() - begin >= 0.05
    timer.clear()
    assert not readable(timer, 0)
    timer.clear()
    timer.close()


def test_past_time_fires_at_once_until_armed_again(timer: TimerFd):
    for when in (0, -1, time.perf_counter() - 5):
        timer.arm(when)
        assert readable(timer, 30)
        timer.arm(time.perf_counter() + 1000)
        assert not readable(timer, 0)
    timer.close()


def test_kernel_error_raises_oserror():
    timer = TimerFd()
    timer.close()
    timer.fd = -1  # the closed descriptor's number may be in use again
    with pytest.raises(OSError, match="descriptor"):
        timer.arm(1.0)
