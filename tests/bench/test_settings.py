import argparse
from collections.abc import Callable
from typing import Any

import pytest

from bench import settings
from bench.load import trial_order
from bench.load.contenders import CONTENDERS, FLOOR, SESSION
from bench.server import table
from bench.server.contenders import PEER_NAMES
from bench.settings import LoadOptions, ServerOptions, read_load, read_server
from lab.errors import UsageError
from lab.settings import add_flags
from rawsocket.settings.row import Setting


def test_rows_and_peers_match_the_benchmarks() -> None:
    assert {row for experiment in trial_order.EXPERIMENTS for row in experiment.rows} == set(settings.LOAD_ROWS)
    assert {*settings.LOAD_PEERS, SESSION, FLOOR} == set(CONTENDERS)
    assert tuple(table.ROWS) == settings.SERVER_ROWS
    assert settings.SERVER_PEERS == PEER_NAMES


def test_defaults_of_bench_load() -> None:
    assert read_load({}, {}) == LoadOptions(
        settings.LOAD_ROWS, settings.LOAD_PEERS, None, connections=10_000, rate=1000, window_s=None, soak_s=300.0
    )


def test_defaults_of_bench_server() -> None:
    assert read_server({}, {}) == ServerOptions(settings.SERVER_ROWS, settings.SERVER_PEERS, None, 15_000, None)


def _flags(table: tuple[Setting, ...], *arguments: str) -> dict[str, str | None]:
    parser = argparse.ArgumentParser()
    add_flags(parser, table)
    return vars(parser.parse_args(arguments))


def test_a_flag_of_bench_load_overrides_the_environment_and_empty_is_unset() -> None:
    flags = _flags(settings.LOAD, "--only", "memory, closed", "--soak", "1h")
    found = read_load(flags, {"ONLY": "cpu", "REPEAT": "5", "SOAK": "2m", "PEERS": "", "WINDOW": "2s"})
    assert found.rows == ("memory", "closed")
    assert (found.repeat, found.soak_s, found.window_s, found.peers) == (5, 3600.0, 2.0, settings.LOAD_PEERS)


def test_a_flag_of_bench_server_overrides_the_environment() -> None:
    flags = _flags(settings.SERVER, "--only", "few, idle", "--peers", "none")
    environ = {"ONLY": "slow", "REPEAT": "7", "CONNECTIONS": "2000", "WINDOW": "2s", "PEERS": "uvloop"}
    assert read_server(flags, environ) == ServerOptions(("few", "idle"), (), 7, 2000, 2.0)


def test_peers_none_means_no_peers() -> None:
    assert read_load({"PEERS": "none"}, {}).peers == ()


@pytest.mark.parametrize(
    ("read", "name", "text", "expected"),
    [
        (read_load, "ONLY", "speed", f"names out of {', '.join(settings.LOAD_ROWS)}"),
        (read_load, "ONLY", ",", "names out of"),
        (read_load, "ONLY", "none", "names out of"),
        (read_load, "PEERS", "jmeter", "names out of raw, typical, tuned, tsung, with commas between them, or none"),
        (read_load, "REPEAT", "0", "a whole number from 1 to 99"),
        (read_load, "CONNECTIONS", "1e3", "a whole number from 1 to 60000"),
        (read_load, "SOAK", "long", "a time like 60s"),
        (read_server, "ONLY", "speed", "names out of all-100, all-900, few,"),
        (read_server, "PEERS", "twisted", f"names out of {', '.join(PEER_NAMES)}, with commas between them, or none"),
        (read_server, "REPEAT", "0", "a whole number from 1 to 99"),
        (read_server, "CONNECTIONS", "10", "a whole number from 1000"),
        (read_server, "WINDOW", "short", "a time like 60s"),
    ],
)
def test_invalid_value_is_a_one_line_error(read: Callable[..., Any], name: str, text: str, expected: str) -> None:
    with pytest.raises(UsageError) as error:
        read({}, {name: text})
    message = str(error.value)
    assert message.startswith(f"{name}={text!r} is not valid: expected {expected}")
    assert message.endswith(f"Set {name} or --{name.lower()}.")
