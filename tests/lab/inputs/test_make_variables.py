import re
import subprocess
from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.inputs import make_variables
from lab.settings import NAMES, ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
# What the targets of make give to the lab, apart from what the Makefile itself says.
GIVEN = {*re.findall(r"[A-Z]{2,}", "".join(re.findall(r"^\t.*\$\(LAB\) (.*\n)", MAKEFILE, re.M)))}
GIVEN -= {*re.findall(r"^([A-Z]+) :?=", MAKEFILE, re.M)}


@pytest.mark.parametrize(
    ("overrides", "names"),
    [
        ("", []),
        ("USER=5", ["USER"]),
        (r"USERS=5 TOPIC=a\ B=6 RATE:=7", ["USERS", "TOPIC", "RATE"]),
        ("TARGET=tcp://10.0.0.5:9000 X=it's EMPTY=", ["TARGET", "X", "EMPTY"]),
    ],
)
def test_the_names_of_variables_on_makes_command_line(overrides: str, names: list[str]) -> None:
    assert make_variables.names(overrides) == names


def test_an_unknown_variable_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"^USER is no setting; did you mean USERS\?"):
        make_variables.check("RATE=5 USER=5", NAMES)
    with pytest.raises(UsageError, match=r"^TOPIC is no setting .*ScenarioSetting"):
        make_variables.check("TOPIC=news", NAMES)


@pytest.mark.parametrize("name", ["USERS", "SERVER_BLOCK_MS", "HEADLESS", "PYTHON", "ONLY", "HTTPS_PROXY", "no_proxy",
                                  "DOCKER_HOST", "DOCKER_CERT_PATH", "PIP_INDEX_URL", "NO_COLOR"])  # fmt: skip
def test_variables_of_the_lab_of_make_and_of_other_programs_are_known(name: str) -> None:
    make_variables.check(f"{name}=x", NAMES)


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_variable_that_the_makefile_gives_to_the_lab_is_known(name: str) -> None:
    make_variables.check(f"{name}=x", NAMES)


def test_the_makefile_passes_on_what_is_on_its_command_line(tmp_path: Path) -> None:
    recipe = 'show:\n\t@printf %s "$$HOLDFAST_MAKE"\n'
    (tmp_path / "Makefile").write_text(MAKEFILE + recipe)
    done = subprocess.run(
        ["make", "--no-print-directory", "show", "USER=5", "TOPIC=a b", "HOME=/x"], cwd=tmp_path, check=True,
        capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "RATE": "7"},
    )  # fmt: skip
    assert sorted(make_variables.names(done.stdout)) == ["HOME", "TOPIC", "USER"]
