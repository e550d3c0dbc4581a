"""Figures from /proc, of this process and of one that has ended."""

from __future__ import annotations

import os
from time import process_time

from server.system import procfs


def test_the_cpu_time_is_that_of_the_process() -> None:
    before = process_time()
    used = procfs.cpu_seconds(os.getpid())
    assert before - 0.1 <= used <= process_time() + 0.1


def test_the_share_of_memory_is_plausible() -> None:
    assert 1_000_000 < procfs.memory_bytes(os.getpid()) < os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_a_process_that_does_not_exist_uses_nothing() -> None:
    if not (child := os.fork()):
        os._exit(0)
    os.waitpid(child, 0)
    assert (procfs.cpu_seconds(child), procfs.memory_bytes(child)) == (0.0, 0)
