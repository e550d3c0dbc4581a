from pathlib import Path

import pytest

from lab.engines import identity


def test_two_clones_of_one_name_have_other_projects_and_tags() -> None:
    one, two = Path("/one/holdfast"), Path("/two/holdfast")
    assert identity.project(one) == identity.tag(one) != identity.tag(two)
    assert identity.project(one).startswith("holdfast-")


@pytest.mark.parametrize(
    ("name", "begin"), [("My Lab!", "my-lab-"), ("été", "t-"), ("…", "lab-"), ("x" * 99, "x" * 24)]
)
def test_a_folder_of_any_name_gives_a_name_that_compose_and_docker_take(name: str, begin: str) -> None:
    assert identity.tag(Path("/") / name).startswith(begin)
    assert identity.project(Path("/") / name) == f"holdfast-{identity.tag(Path('/') / name)}"


def test_the_project_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_PROJECT", "mine")
    assert identity.project(Path("/a")) == "mine"
