from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.inputs import env_file

NAMES = {"USERS", "TARGET", "SERVER_BLOCK_MS"}


def _read(folder: Path, text: str, **environ: str) -> dict[str, str]:
    (folder / ".env").write_text(text)
    return env_file.read(folder / ".env", NAMES, environ)


def test_without_a_file_there_are_no_settings(tmp_path: Path) -> None:
    assert env_file.read(tmp_path / ".env", NAMES, {}) == {}


@pytest.mark.parametrize(
    "line",
    [
        *("USERS=5", " USERS = 5 ", "export USERS=5", 'USERS="5"', "USERS='5'"),
        *("USERS=5 # few", 'USERS="5" # few', "USERS=1\nUSERS=5"),
    ],
)
def test_forms_of_a_line(tmp_path: Path, line: str) -> None:
    assert _read(tmp_path, f"# settings\n\n{line}\n") == {"USERS": "5"}


def test_a_quoted_value_keeps_its_sign_of_a_comment(tmp_path: Path) -> None:
    assert _read(tmp_path, 'TARGET="a #b"\n') == {"TARGET": "a #b"}


def test_the_environment_comes_first(tmp_path: Path) -> None:
    assert _read(tmp_path, "USERS=5\nSERVER_BLOCK_MS=50\n", USERS="7") == {"SERVER_BLOCK_MS": "50"}


def test_names_that_are_no_settings_are_left_out(tmp_path: Path) -> None:
    assert _read(tmp_path, "PATH=/nowhere\nUSERS=5\n") == {"USERS": "5"}


def test_a_line_that_is_no_setting_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^\.env, line 2: expected NAME=VALUE"):
        _read(tmp_path, "USERS=5\nfive users\n")
