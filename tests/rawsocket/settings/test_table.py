import pytest

from rawsocket.master.server_probe import STALE_S
from rawsocket.settings.row import Setting
from rawsocket.settings.table import BY_NAME, PROCESS, STEADY_AFTER_S, TABLE


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.variable)
def test_default_is_valid_for_its_row(row: Setting) -> None:
    assert row.default is None or row.parse(row.default) is not None


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.variable)
def test_each_row_has_a_help_text_and_a_reason(row: Setting) -> None:
    assert row.help
    assert row.why


def test_names_of_settings_are_unique() -> None:
    assert len(BY_NAME) == len(TABLE)


def test_process_settings_have_a_prefix_and_no_flag() -> None:
    assert all(row.variable.startswith("HOLDFAST_") and not row.flag for row in PROCESS)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("10.0.0.5:9000", "it does not begin with tcp:// or tls://"),
        ("tcp://10.0.0.5", "it has no port"),
        ("tcp://10.0.0.5:65536", "a number from 1 to 65535"),
        ("tcp://::1:9000", "an IPv6 address must be in brackets"),
    ],
)
def test_error_of_an_invalid_target_gives_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^TARGET='{text}' is not valid: .*{reason}; expected tcp://host:port"):
        BY_NAME["TARGET"].parse(text)


def test_target_becomes_a_canonical_url() -> None:
    assert BY_NAME["TARGET"].parse("TCP://Server:9000/") == "tcp://server:9000"


def test_steady_window_starts_after_counters_of_the_ramp_are_stale() -> None:
    assert STEADY_AFTER_S >= STALE_S
