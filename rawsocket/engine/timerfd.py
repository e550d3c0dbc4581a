"""A timer of the kernel as a descriptor that becomes readable: exact to microseconds inside an epoll.

gevent's own timers are up to a millisecond late, because libev hands epoll whole milliseconds. Python has had
`os.timerfd_create` since 3.13; before that it is called through ctypes. Linux only. Source: timerfd_create(2).
"""

import contextlib
import ctypes
import os
import struct
from collections.abc import Callable

CLOCK_MONOTONIC = 1  # the clock of time.perf_counter() and time.monotonic() on Linux
TFD_NONBLOCK, TFD_CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC
TFD_TIMER_ABSTIME = 1
ITIMERSPEC = struct.Struct("qqqq")  # interval and value, seconds and nanoseconds each
SECOND = 1_000_000_000  # nanoseconds


class TimerFd:
    """A one-shot timer on the monotonic clock. `fd` is readable from that time until `clear()`."""

    def __init__(self) -> None:
        create, self._set = _native() if hasattr(os, "timerfd_create") else _through_ctypes()
        self.fd = create()

    def arm(self, when: float) -> None:
        """Become readable at `when` (seconds of the monotonic clock; at once if it has passed)."""
        self._set(self.fd, max(int(when * SECOND), 1))  # zero would switch it off

    def clear(self) -> None:
        """Make `fd` unreadable."""
        with contextlib.suppress(BlockingIOError):  # re-armed since epoll reported it
            os.read(self.fd, 8)

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.fd)


Functions = tuple[Callable[[], int], Callable[[int, int], object]]


def _native() -> Functions:
    def create() -> int:
        return int(os.timerfd_create(CLOCK_MONOTONIC, flags=TFD_NONBLOCK | TFD_CLOEXEC))  # type: ignore[attr-defined, unused-ignore]

    def set_time(fd: int, nanoseconds: int) -> object:
        return os.timerfd_settime_ns(fd, flags=TFD_TIMER_ABSTIME, initial=nanoseconds)  # type: ignore[attr-defined, unused-ignore]

    return create, set_time


def _through_ctypes() -> Functions:
    libc = ctypes.CDLL(None, use_errno=True)
    settime = libc.timerfd_settime
    settime.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    spec = ctypes.create_string_buffer(ITIMERSPEC.size)  # packed for each call: a quarter of a Structure's cost
    address, pack = ctypes.addressof(spec), ITIMERSPEC.pack_into

    def create() -> int:
        fd: int = libc.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)
        return fd if fd >= 0 else _fail()

    def set_time(fd: int, nanoseconds: int) -> object:
        pack(spec, 0, 0, 0, *divmod(nanoseconds, SECOND))
        return settime(fd, TFD_TIMER_ABSTIME, address, None) and _fail()

    return create, set_time


def _fail() -> int:
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number))
