"""What no file of the repo may contain, and how requirements are written down."""

import re

import pytest

from tests.meta.conftest import text, tracked

REQUIREMENTS = [path for path in tracked() if re.fullmatch(r"requirements.*\.txt", path)]
# Put together from parts, so that this file does not name them either.
MACHINE = re.compile(
    r"(?<![\w.~}-])/(?:" + "|".join(("work", "root", "home/" + r"\w+", "tmp/" + "hf")) + r")(?:/|\b(?![\w-]))"
)
REGISTRIES = ("pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "crates" + ".io", "index." + "docker.io")


def test_no_file_names_a_machine_path() -> None:
    paths = [path for path in tracked() if not path.startswith("tests/containers/")]  # those look into images
    found = {path: MACHINE.findall(text(path)) for path in paths}
    assert {path: names for path, names in found.items() if names} == {}


def test_no_file_names_a_registry_host() -> None:
    found = {path: [host for host in REGISTRIES if host in text(path)] for path in tracked()}
    assert {path: hosts for path, hosts in found.items() if hosts} == {}


def test_pattern_matches_machine_paths_and_registry_hosts() -> None:
    for found in ("/" + "work/main", "'/" + "root/x'", "cd /" + "root\n", "/" + "home/me/x"):
        assert MACHINE.search(found), found
    for other in ("sub/work/x", "{folder}/root/bin", "/workers", "server/work.py"):
        assert not MACHINE.search(other), other


def test_each_dependency_group_has_a_requirements_file() -> None:
    assert {f"requirements-{group}.txt" for group in ("server", "load", "lab", "bench", "dev")} <= set(REQUIREMENTS)


@pytest.mark.parametrize("path", REQUIREMENTS)
def test_every_requirement_is_pinned_with_hashes(path: str) -> None:
    lines = re.sub(r"^\s*#.*\n", "", text(path), flags=re.M).replace("\\\n", " ").splitlines()
    assert lines
    for line in lines:
        assert re.match(r"[A-Za-z0-9._-]+(\[[\w,-]+\])?==[\w.+!-]+ ", line), line
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), line


@pytest.mark.parametrize("path", REQUIREMENTS)
def test_requirements_name_no_index(path: str) -> None:
    assert not re.search(r"^\s*(-i|--(extra-)?index-url|--find-links|--trusted-host)|https?://", text(path), re.M)
