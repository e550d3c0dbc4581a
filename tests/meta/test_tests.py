"""Every source file has its tests at the mirrored path; a model of the server is tested by the contract suite."""

from pathlib import PurePosixPath

import pytest

from lab.settings import models
from tests.meta.conftest import sources, text, tracked

ROOMS = ("server", "rawsocket", "locustfiles", "lab")
FILES = [path for path in sources(*ROOMS) if not path.endswith("/__init__.py")]


def _mirror(path: str) -> str:
    source = PurePosixPath(path)
    return str(PurePosixPath("tests") / source.parent / f"test_{source.stem.strip('_')}.py")


def test_the_rooms_have_files() -> None:
    assert {path.split("/")[0] for path in FILES} == set(ROOMS)


def test_the_mirrored_path() -> None:
    assert _mirror("lab/__main__.py") == "tests/lab/test_main.py"
    assert _mirror("rawsocket/master/page/tab.py") == "tests/rawsocket/master/page/test_tab.py"


CONTRACT = "tests/server/models/test_contract.py"
MODELS = {f"server/models/{name}.py" for name in models()}


def test_the_contract_suite_is_there() -> None:
    assert CONTRACT in tracked()
    assert set(FILES) >= MODELS


@pytest.mark.parametrize("path", sorted({*FILES} - MODELS))
def test_each_source_file_has_its_test_file(path: str) -> None:
    assert _mirror(path) in tracked()
    assert "def test_" in text(_mirror(path))
