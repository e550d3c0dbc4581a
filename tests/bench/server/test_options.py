import argparse

import pytest

from bench.server import options
from bench.server.contenders import PEER_NAMES
from bench.server.row import CONNECTIONS
from bench.server.table import ROWS
from lab import settings
from lab.errors import UsageError


def test_the_defaults_are_those_of_the_table() -> None:
    assert options.read({}, {}) == options.Options(tuple(ROWS), PEER_NAMES, None, CONNECTIONS, None)


def test_a_flag_beats_the_environment_and_empty_is_unset() -> None:
    parser = argparse.ArgumentParser()
    settings.add_flags(parser, options.SETTINGS)
    flags = vars(parser.parse_args(["--only", "few, idle", "--peers", "none"]))
    found = options.read(
        flags, {"ONLY": "slow", "REPEAT": "7", "CONNECTIONS": "2000", "WINDOW": "2s", "PEERS": "uvloop"}
    )
    assert found == options.Options(("few", "idle"), (), 7, 2000, 2.0)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("ONLY", "speed", "names out of all-100, all-900, few,"),
        ("PEERS", "twisted", "names out of asyncio, uvloop, .*, or none"),
        ("REPEAT", "0", "a whole number from 1 to 99"),
        ("CONNECTIONS", "10", "a whole number from 1000"),
        ("WINDOW", "short", "a time like 60s"),
    ],
)
def test_what_is_wrong_is_one_line(name: str, text: str, expected: str) -> None:
    with pytest.raises(UsageError, match=f"^{name}='{text}' is not valid: expected {expected}"):
        options.read({}, {name: text})
