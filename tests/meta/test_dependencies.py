"""`make sbom` and `make audit`: what they make of the pinned requirements."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.settings import ROOT
from tests.dependencies import audit, pinned, sbom
from tests.meta.conftest import text


def test_each_pinned_package_is_listed_once_with_its_groups() -> None:
    found = {one.name: one for one in pinned.packages()}
    assert len(found) == len(pinned.packages())
    assert set(pinned.GROUPS) < {name.removeprefix("requirements-").removesuffix(".txt") for name in _files()}
    assert found["locust"].groups == ["load", "lab"]
    assert found["prometheus-client"].groups == ["server", "load", "lab"]
    assert all(len(sha) == 64 for one in found.values() for sha in one.sha256)
    assert all(one.sha256 for one in found.values())
    assert found["cffi"].marker if "cffi" in found else True


def _files() -> list[str]:
    return [path.name for path in ROOT.glob("requirements-*.txt")]


def test_line_that_is_not_pinned_is_an_error(tmp_path: Path) -> None:
    for group in pinned.GROUPS:
        (tmp_path / f"requirements-{group}.txt").write_text("locust>=2 --hash=sha256:0\n")
    with pytest.raises(ValueError, match="is no pinned package"):
        pinned.packages(tmp_path)


def test_document_is_the_same_for_the_same_requirements(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (*_files(), "pyproject.toml"):
        (tmp_path / name).write_text(text(name))
    assert sbom.main(tmp_path) == 0
    first = (tmp_path / "build/sbom.json").read_bytes()
    assert sbom.main(tmp_path) == 0
    assert (tmp_path / "build/sbom.json").read_bytes() == first
    document = json.loads(first)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.5")
    refs = [one["bom-ref"] for one in document["components"]]
    assert len(set(refs)) == len(refs) == len(document["dependencies"][0]["dependsOn"])
    assert "pkg:pypi/locust@2.47.0" in refs
    assert f"build/sbom.json: {len(refs)} packages of image of the server" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "out", "err", "ends", "said"),
    [
        (0, "", "No known vulnerabilities found\n", 0, "requirements-dev.txt: No known vulnerabilities found"),
        (1, "flask 3 X", "Found 1 known vulnerability in 1 package\n", 1, "known vulnerability in 1 package\nflask"),
        (1, "", "Traceback\nConnectionError: no route\n", 1, "not audited, pip-audit could not ask its database: Conn"),
        (1, "", "", 1, "not audited, pip-audit could not ask its database: it said nothing"),
    ],
)  # fmt: skip
def test_audit_says_what_was_found_or_that_it_could_not_ask(
    capsys: pytest.CaptureFixture[str], code: int, out: str, err: str, ends: int, said: str
) -> None:
    def run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, code, out, err)

    assert audit.main(run) == ends
    assert said in capsys.readouterr().out


def test_audit_without_its_tool_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        raise FileNotFoundError(command[0])

    assert audit.main(run) == 1
    assert (
        capsys.readouterr().out == ".venv/audit/bin/pip-audit is not installed: `make audit` installs it and asks it\n"
    )
