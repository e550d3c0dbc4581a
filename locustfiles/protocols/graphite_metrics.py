"""Graphite, plain text: each user sends three metrics every EVERY seconds, one after the other; nothing is replied.

This one is written the way that other Locust tests are: with tasks.
"""

import time

from locust import task

from rawsocket import Line, RawSocketUser


class GraphiteUser(RawSocketUser):
    framing = Line()

    def wait_time(self) -> float:
        return float(self.option("every"))

    @task
    def measure(self) -> None:
        for name in (b"cpu", b"memory", b"disk"):
            metric = b"load.host-%d.%s %d %d" % (self.number, name, self.client.in_flight, time.time())
            self.client.send(metric, name="metric", reply=False)
