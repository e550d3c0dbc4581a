"""Every source file has its tests at the mirrored path; a model of the server is tested by the contract suite, and a
scenario of locustfiles/protocols/ against a real server.
"""

from pathlib import PurePosixPath

import pytest

from lab.settings import models
from tests.meta.conftest import sources, text, tracked
from tests.run import PARTS

ROOMS = ("server", "rawsocket", "locustfiles", "lab", "bench", "holdfast")
FILES = [path for path in sources(*ROOMS) if not path.endswith("/__init__.py")]


def _mirror(path: str) -> str:
    source = PurePosixPath(path)
    return str(PurePosixPath("tests") / source.parent / f"test_{source.stem.strip('_')}.py")


def test_each_package_has_source_files() -> None:
    assert {path.split("/")[0] for path in FILES} == set(ROOMS)


def test_mirrored_path_of_a_source_file() -> None:
    assert _mirror("lab/__main__.py") == "tests/lab/test_main.py"
    assert _mirror("rawsocket/master/page/tab.py") == "tests/rawsocket/master/page/test_tab.py"


CONTRACT = "tests/server/models/test_contract.py"
MODELS = {f"server/models/{name}.py" for name in models()}


def test_contract_suite_exists() -> None:
    assert CONTRACT in tracked()
    assert set(FILES) >= MODELS


PROTOCOLS = {path for path in FILES if PurePosixPath(path).match("locustfiles/protocols/[!_]*.py")}


@pytest.mark.parametrize("path", sorted(PROTOCOLS))
def test_each_protocol_is_tested_against_a_server(path: str) -> None:
    files = [text(file) for file in tracked() if file.startswith("tests/real/test_protocols_")]
    assert sum(f"def test_{PurePosixPath(path).stem}(" in file for file in files) == 1


def test_each_source_file_has_its_test_file() -> None:
    tests = {_mirror(path) for path in {*FILES} - MODELS - PROTOCOLS}
    assert sorted(tests - {*tracked()}) == []
    assert [path for path in sorted(tests) if "def test_" not in text(path)] == []


def test_each_test_file_belongs_to_one_part_of_make_test() -> None:
    files = [path for path in tracked() if path.startswith("tests/") and PurePosixPath(path).match("test_*.py")]
    folders = [folder for of_part, _ in PARTS.values() for folder in of_part]
    assert [path for path in files if sum(path.startswith(f"{folder}/") for folder in folders) != 1] == []
