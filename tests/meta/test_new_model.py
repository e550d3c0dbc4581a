"""A model made by the recipe of docs/models.md needs no edit but the two that it names: done in a copy of the repo."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lab.settings import ROOT
from tests.meta.conftest import text, tracked

RECIPE = re.search(r"^## A new model\n(.*?)^## ", text("docs/models.md"), re.M | re.S)


def _recipe() -> tuple[str, str]:
    """The file and the line that the page gives."""
    assert RECIPE
    model, line = re.findall(r"^```python\n(.*?)^```$", RECIPE[1], re.M | re.S)
    return model, line


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repo, and of what is compiled of it, with the page's toy in it."""
    folder = tmp_path_factory.mktemp("copy")
    for path in tracked():
        source, target = ROOT / path, folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
        for compiled in source.parent.glob(f"__pycache__/{target.stem}.*.pyc") if target.suffix == ".py" else ():
            (target.parent / "__pycache__").mkdir(exist_ok=True)
            shutil.copy2(compiled, target.parent / "__pycache__")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    model, line = _recipe()
    (folder / "server/models/toy.py").write_text(model)
    table = folder / "server/models/__init__.py"
    before, after = re.fullmatch(r"(.*^MODELS\b.*?)(^\}\n.*)", table.read_text(), re.M | re.S).groups()
    table.write_text(before + line + after)
    return folder


def _succeeds(copy: Path, *arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_contract_suite_runs_the_new_model(copy: Path) -> None:
    """Each test of it begins `python -m server --model toy`."""
    said = _succeeds(copy, "-m", "pytest", "-q", "tests/server/models", "-k", "toy")
    assert int(re.search(r"(\d+) passed", said)[1]) >= 6


def test_lab_accepts_the_new_model(copy: Path) -> None:
    code = "from lab import settings; print(settings.read({'MODEL': 'toy'}, {}, 'up')['MODEL'])"
    assert _succeeds(copy, "-c", code) == "toy\n"


def test_meta_tests_pass_without_more_edits(copy: Path) -> None:
    """Without the cases of files of other packages: no model is in them."""
    names = ("docs", "docs_settings", "docs_models", "docs_commands", "tests", "purity")
    others = {path.partition("/")[0] for path in tracked() if re.fullmatch(r"\w+/.*\.py", path)} - {"server", "tests"}
    ours = f"not ({' or '.join(f'{name}/' for name in sorted(others))})"
    said = _succeeds(copy, "-m", "pytest", "-q", "-k", ours, *(f"tests/meta/test_{name}.py" for name in names))
    assert int(re.search(r"(\d+) passed", said)[1]) > 500


def test_new_model_passes_lint_and_type_check(copy: Path) -> None:
    for tool in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]):
        _succeeds(copy, "-m", *tool, "server/models/toy.py")
