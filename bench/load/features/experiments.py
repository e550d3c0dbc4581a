"""What a feature of a session costs: the same load with and without it, one run right after the other.

Each trial has both runs, so a figure relative to the run without the feature compares neighbours. The runs of one trial
have folders of their own. No figure is taken from a run whose verdict reports a failure.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench.harness import procfs
from bench.load import measure
from bench.load.contenders import Generator, RunningGenerator, Workload, locust, running
from bench.load.echo_server import Echo
from bench.load.experiments import END_S, HELD_S, MARGIN_S, LoadBench, verdict
from bench.load.features.lab_server import LabServer, lab_server
from bench.load.measure import Counting, Window
from bench.results.record import Values
from lab.run.certificate import Certificate, lab_certificate
from lab.waiting import wait_for

IN_LOOP = 100  # connections of a closed loop
HELD = 1000  # connections that are held
HELD_TO_COMPARE = 4000  # by each of two sessions, whose memory differs little
HELD_RATE = 200  # opened a second: fewer than a worker has time to shake hands with, so no backlog adds to their memory
VISITORS = 20  # users that connect, send one message and close, again and again
PERIOD_S = 0.1  # between two messages of a held connection in the row of heartbeats
SETTLE_S = 1.0  # after the last connection


@dataclass(frozen=True)
class Load:
    """How many connections have messages, every how many seconds (0: a closed loop)."""

    connections: int
    every: float
    window_s: float


def tls(bench: LoadBench, generator: Generator, folder: Path) -> Values:
    """Run a closed loop over plain TCP, then over TLS: CPU per message."""
    load = _loop(bench)
    plain = _against_lab(bench, generator, folder / "plain", load, None)
    return relative(_against_lab(bench, generator, folder / "tls", load, lab_certificate()), plain)


def _against_lab(
    bench: LoadBench, generator: Generator, folder: Path, load: Load, certificate: Certificate | None
) -> Window:
    with lab_server(folder, load.connections, certificate) as server:
        workload = replace(_workload(bench, server.port, load), ca=str(certificate.ca) if certificate else "")
        return _window(bench, server, generator, workload, folder, load)


def tls_held(bench: LoadBench, generator: Generator, folder: Path) -> Values:
    """Hold 1,000 connections over TLS, a message a second on each: memory per connection."""
    certificate, load = lab_certificate(), Load(min(HELD, bench.options.connections), 1.0, 1.0)
    bench = replace(bench, options=replace(bench.options, rate=min(HELD_RATE, bench.options.rate)))
    began = procfs.HostUsage()
    with lab_server(folder, load.connections, certificate) as server:
        workload = replace(_workload(bench, server.port, load), ca=str(certificate.ca))
        with running(generator, workload, folder) as run:
            _wait_until_held(bench, server, run, load)
            kb = (procfs.rss_kb(run.pid) - (run.base_kb or 0)) / load.connections
            run.finish(END_S)
            verdict(run)
    return {"kb": kb, "base_kb": run.base_kb, "stolen": began.stolen}


def tls_handshakes(bench: LoadBench, generator: Generator, folder: Path) -> Values:
    """Connect over TLS, send one message and close, again and again with 20 users: handshakes per second of CPU."""
    certificate, load = lab_certificate(), Load(VISITORS, 0.0, bench.options.window_s or 4.0)
    with lab_server(folder, load.connections, certificate) as server:
        workload = replace(_workload(bench, server.port, load), ca=str(certificate.ca), scenario="churn")
        with running(generator, workload, folder) as run:
            wait_for("the first handshakes", _has_messages(server), HELD_S, run.died, run.evidence)
            time.sleep(SETTLE_S)
            first = measure.read(server, run.pid)
            time.sleep(load.window_s)
            last = measure.read(server, run.pid)
            run.finish(END_S)
            verdict(run)
    window = measure.between(first, replace(last, closed=first.closed))  # each visit ends with a close
    return {**window.values(), "per_cpu_s": window.messages / window.cpu_s if window.cpu_s else None}


def _has_messages(server: LabServer) -> Callable[[], bool]:
    return lambda: server.counts()["messages"] > 0


def ids(bench: LoadBench, generator: Generator, folder: Path) -> Values:
    """Run a closed loop whose replies are matched by order, then by key: CPU per message."""
    return _compared(bench, folder, _loop(bench), "order", "key")


def heartbeats(bench: LoadBench, generator: Generator, folder: Path) -> Values:
    """Send 10 messages a second on 1,000 connections, from the session, then as heartbeats: CPU per message."""
    load = Load(min(HELD, bench.options.connections), PERIOD_S, bench.options.window_s or 4.0)
    return _compared(bench, folder, load, "due", "heartbeat")


def conversation(bench: LoadBench, generator: Generator, folder: Path) -> Values:
    """Run a closed loop of a session in Python, then of the same as a conversation's plan: CPU per message."""
    return _compared(bench, folder, _loop(bench), "python", "described")


def conversation_held(bench: LoadBench, generator: Generator, folder: Path) -> Values:
    """Hold 4,000 connections, a message every 5 seconds on each, with both sessions: memory per connection."""
    load, began = Load(min(HELD_TO_COMPARE, bench.options.connections), 5.0, 1.0), procfs.HostUsage()
    kb = {}
    for name in ("python", "described"):
        with Echo(bench.echo) as echo:
            workload = _workload(bench, echo.port, load)
            with running(Generator(name, name, locust("sessions.py", name)), workload, folder / name) as run:
                _wait_until_held(bench, echo, run, load)
                kb[name] = (procfs.rss_kb(run.pid) - (run.base_kb or 0)) / load.connections
                run.finish(END_S)
                verdict(run)
    return {
        "kb": kb["described"],
        "without_kb": kb["python"],
        "times": kb["described"] / kb["python"] if kb["python"] > 0 else None,
        "stolen": began.stolen,
    }


def _compared(bench: LoadBench, folder: Path, load: Load, without: str, session: str) -> Values:
    """Run two of the sessions of peers/load/sessions.py; return CPU per message of the second relative to the first."""
    found = []
    for name in (without, session):
        generator = Generator(name, name, locust("sessions.py", name))
        with Echo(bench.echo) as echo:
            workload = _workload(bench, echo.port, load)
            found.append(_window(bench, echo, generator, workload, folder / name, load))
    return relative(found[1], found[0])


def _loop(bench: LoadBench) -> Load:
    return Load(min(IN_LOOP, bench.options.connections), 0.0, bench.options.window_s or 4.0)


def _workload(bench: LoadBench, port: int, load: Load) -> Workload:
    return bench.workload(port, load.connections, load.every, SETTLE_S + load.window_s + MARGIN_S)


def _window(
    bench: LoadBench, server: Counting, generator: Generator, workload: Workload, folder: Path, load: Load
) -> Window:
    with running(generator, workload, folder) as run:
        _wait_until_held(bench, server, run, load)
        window = measure.over(server, run, load.window_s)
        run.finish(END_S)
        verdict(run)
    return window


def _wait_until_held(bench: LoadBench, server: Counting, run: RunningGenerator, load: Load) -> None:
    measure.all_held(server, run, load.connections, bench.ramp_s(load.connections) + HELD_S)
    time.sleep(SETTLE_S)


def relative(window: Window, without: Window) -> Values:
    """Return the figures of a window, and its CPU per message relative to the window without the feature."""
    return {
        **window.values(),
        "without_us": round(without.us, 3),
        "times": window.us / without.us if without.us else None,  # CPU times are counted in ticks of 10 ms
        "stolen": max(window.stolen, without.stolen),
    }
