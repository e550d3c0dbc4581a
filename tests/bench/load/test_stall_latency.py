"""The formula, checked against a simulation of every message of every connection through one server."""

import heapq
import random
from functools import cache

import pytest

from bench.load.stall_latency import drain_s, implied

PERIOD, STALL, BIN = 0.1, 2.0, 0.01


class Simulation:
    """`connections` with one message in flight each, through a server that needs `cost` seconds for each message."""

    def __init__(self, connections: int, cost: float, seconds: float, stopped: float) -> None:
        chance = random.Random(1)
        self.latencies: list[float] = []
        self.arrived: list[float] = []
        self.stopped, self.continued = stopped, stopped + STALL
        free = 0.0
        first = [chance.random() * PERIOD for _ in range(connections)]
        queue = [(at, number, at) for number, at in enumerate(first)]  # (sent, connection, due)
        heapq.heapify(queue)
        while queue:
            sent, number, due = heapq.heappop(queue)
            begin = max(sent, free)
            if self.stopped <= begin < self.continued:
                begin = self.continued
            free = begin + cost
            self.arrived.append(begin)
            self.latencies.append(free - due)
            if due + PERIOD < seconds:
                heapq.heappush(queue, (max(free, due + PERIOD), number, due + PERIOD))

    def quantile(self, quantile: float) -> float:
        return self.latencies[round(quantile * len(self.latencies)) - 1]

    def bins(self) -> list[int]:
        counts = [0] * (int(max(self.arrived) / BIN) + 1)
        for at in self.arrived:
            counts[int(at / BIN)] += 1
        return counts


@cache
def simulated(connections: int, cost: float, seconds: float) -> Simulation:
    """A run with a stall after 4 s; the tests share it."""
    run = Simulation(connections, cost, seconds, stopped=4.0)
    run.latencies.sort()
    return run


# Quantiles that the stall affects: 2 s are over 1 % of 12, 20 and 47 s, and over 5 % of 12 and 20 s.
QUANTILES = [(quantile, seconds) for quantile in (0.99, 0.999) for seconds in (12.0, 20.0, 47.0)]


@pytest.mark.parametrize(("quantile", "seconds"), [*QUANTILES, (0.95, 12.0), (0.95, 20.0)])
@pytest.mark.parametrize(("connections", "cost"), [(100, 1e-9), (100, 3e-5), (1000, 3e-5), (1000, 7e-5)])
def test_quantile_equals_that_of_a_simulation(connections: int, cost: float, seconds: float, quantile: float) -> None:
    run = simulated(connections, cost, seconds)
    drain = drain_s(run.bins(), BIN, run.stopped, run.continued, connections / PERIOD)
    found = implied(quantile, STALL, PERIOD, connections, len(run.latencies), drain)
    assert found == pytest.approx(run.quantile(quantile), rel=0.01)


@pytest.mark.parametrize(("connections", "cost", "load"), [(100, 1e-9, 0.0), (1000, 3e-5, 0.3), (1000, 6e-5, 0.6)])
def test_drain_equals_that_of_a_queue_at_the_same_load(connections: int, cost: float, load: float) -> None:
    run = simulated(connections, cost, 20.0)
    drain = drain_s(run.bins(), BIN, run.stopped, run.continued, connections / PERIOD)
    assert drain == pytest.approx(STALL * load / (1 - load), rel=0.05, abs=2 * BIN)


def test_documented_example() -> None:
    assert implied(0.99, 2.0, 0.1, 100, 20_000, 0.0) == pytest.approx(1.8, rel=0.001)
    assert implied(0.999, 2.0, 0.1, 100, 20_000, 0.0) == pytest.approx(1.98, rel=0.001)


def test_stall_does_not_affect_a_low_quantile() -> None:
    assert implied(0.5, 2.0, 0.1, 100, 20_000, 0.0) == 0.0


def test_maximum_equals_the_stall() -> None:
    assert implied(1.0, 2.0, 0.1, 100, 20_000, 0.0) == pytest.approx(2.0, rel=0.001)


def test_drain_of_a_server_that_never_catches_up_lasts_to_the_end() -> None:
    bins = [10] * 400 + [0] * 200 + [10] * 300
    assert drain_s(bins, BIN, 4.0, 6.0, 1000.0) == pytest.approx(3.0)
