import argparse

import pytest

from bench.load import options
from lab import settings
from lab.errors import UsageError


def test_the_defaults_are_those_of_the_table() -> None:
    found = options.read({}, {})
    assert found.rows == options.ROWS
    assert found.peers == options.PEERS
    assert (found.connections, found.rate, found.soak_s) == (10_000, 1000, 300.0)
    assert (found.repeat, found.window_s) == (None, None)


def test_a_flag_beats_the_environment_and_empty_is_unset() -> None:
    parser = argparse.ArgumentParser()
    settings.add_flags(parser, options.SETTINGS)
    flags = vars(parser.parse_args(["--only", "memory, closed", "--soak", "1h"]))
    found = options.read(flags, {"ONLY": "cpu", "REPEAT": "5", "SOAK": "2m", "PEERS": "", "WINDOW": "2s"})
    assert found.rows == ("memory", "closed")
    assert (found.repeat, found.soak_s, found.window_s, found.peers) == (5, 3600.0, 2.0, options.PEERS)


def test_no_peers() -> None:
    assert options.read({"PEERS": "none"}, {}).peers == ()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("ONLY", "speed", "names out of memory, cpu, lag, closed, arrivals, stall, soak"),
        ("ONLY", ",", "names out of"),
        ("ONLY", "none", "names out of"),
        ("PEERS", "jmeter", "names out of raw, everyone, tuned, tsung, with commas between them, or none"),
        ("REPEAT", "0", "a whole number from 1 to 99"),
        ("CONNECTIONS", "1e3", "a whole number from 1 to 60000"),
        ("SOAK", "long", "a time like 60s"),
    ],
)
def test_what_is_wrong_is_one_line(name: str, text: str, expected: str) -> None:
    with pytest.raises(UsageError) as error:
        options.read({}, {name: text})
    message = str(error.value)
    assert message.startswith(f"{name}={text!r} is not valid: expected {expected}")
    assert message.endswith(f"Set {name} or --{name.lower()}.")


def test_descriptors_are_demanded_for_the_largest_row() -> None:
    options.demand_descriptors(options.read({"ONLY": "memory"}, {}), 10_100)
    options.demand_descriptors(options.read({}, {}), 15_100)
    with pytest.raises(UsageError, match=r"15000 connections need 15100 descriptors .* limit is 15099"):
        options.demand_descriptors(options.read({}, {}), 15_099)
