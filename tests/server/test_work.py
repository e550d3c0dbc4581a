"""Work takes the time of the processor, and at least as much as asked."""

import time

from server.work import burn


def test_it_burns_cpu_time() -> None:
    before = time.thread_time()
    burn(0.02)
    assert time.thread_time() - before >= 0.02


def test_nothing_takes_nothing() -> None:
    before = time.thread_time()
    burn(0)
    assert time.thread_time() - before < 0.02
