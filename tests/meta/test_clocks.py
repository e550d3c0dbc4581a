"""The wall clock can jump. So only these files read it, and none of them measures a length of time with it."""

import ast
import re

from tests.meta.conftest import sources, text

#: Each file, and what it needs the time of day for.
READ_IT = {
    "lab/conversation/sample_messages.py": "{now} in a sample of a message",
    "lab/drills/runner.py": "when a fault began and ended: the master must agree on it",
    "lab/recording/proxy.py": "when a recorded dialogue began",
    "lab/run/folder.py": "the name of a run's folder",
    "locustfiles/protocols/graphite_metrics.py": "a time stamp that the protocol has",
    "locustfiles/protocols/syslog_messages.py": "a time stamp that the protocol has",
    "locustfiles/storm.py": "a moment that all workers must agree on",
    "rawsocket/attach.py": "the same, for storm.py",
    "rawsocket/conversation/user.py": "{now} in a message",
    "rawsocket/master/observability/otlp_exporter.py": "the time stamp of figures",
    "rawsocket/master/run_info.py": "when a run started and ended",
    "rawsocket/measurement/latency_log.py": "the base time of the log",
    "rawsocket/measurement/locust_stats.py": "the seconds of Locust's own statistics",
}
WALL = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}


def _reads_it(path: str) -> bool:
    if not re.search(r"\b(time|datetime|date)\.\w+", content := text(path)):
        return False
    found = {(_name(node.value), node.attr) for node in ast.walk(ast.parse(content)) if isinstance(node, ast.Attribute)}
    return bool(found & WALL)


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def test_only_these_files_read_the_wall_clock() -> None:
    assert {path for path in sources("server", "rawsocket", "locustfiles", "lab") if _reads_it(path)} == set(READ_IT)
