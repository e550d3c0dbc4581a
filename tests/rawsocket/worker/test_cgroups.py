from pathlib import Path

import pytest

from rawsocket.worker import cgroups


def _tree(folder: Path, own: str, *groups: str) -> tuple[Path, Path]:
    """A /proc with this cgroup file, and the existing folders below the mount."""
    (folder / "proc/self").mkdir(parents=True)
    (folder / "proc/self/cgroup").write_text(own)
    for group in groups:
        (folder / "cgroup" / group).mkdir(parents=True)
    return folder / "proc", folder / "cgroup"


@pytest.mark.parametrize(
    ("own", "there", "found"),
    [
        # version 2: a container with its own namespace; a process on the host; one whose group is out of sight
        ("0::/\n", ["."], ["."]),
        ("0::/user.slice/me\n", ["user.slice/me"], ["user.slice/me", "user.slice", "."]),
        ("0::/../other\n", ["."], ["."]),
        # version 1: the host; a container, where the mount is the group; one mount for two controllers
        ("4:memory:/\n1:cpu:/jobs/7\n", ["cpu/jobs/7", "memory"], ["cpu/jobs/7", "cpu/jobs", "cpu"]),
        ("4:memory:/docker/1\n1:cpu:/docker/1\n", ["cpu", "memory"], ["cpu"]),
        ("3:cpu,cpuacct:/x\n", ["cpu,cpuacct/x"], ["cpu,cpuacct/x", "cpu,cpuacct"]),
        ("3:cpu,cpuacct:/x\n", ["cpu/x"], ["cpu/x", "cpu"]),
        ("2:cpuacct:/x\n", ["cpuacct/x"], []),
        # both, as systemd's hybrid: the second has no files of the controller
        ("1:cpu:/x\n0::/x\n", ["cpu/x", "unified/x"], ["cpu/x", "cpu", "."]),
        ("", ["."], []),
        ("0::/\n", [], []),
    ],
)
def test_folders_lead_from_the_own_group_to_the_root(
    tmp_path: Path, own: str, there: list[str], found: list[str]
) -> None:
    proc, cgroup = _tree(tmp_path, own, *there)
    assert list(cgroups.folders("cpu", proc, cgroup)) == [cgroup / name for name in found]


def test_missing_files_are_empty(tmp_path: Path) -> None:
    assert cgroups.text(tmp_path / "nothing") == ""
    assert list(cgroups.folders("cpu", tmp_path, tmp_path)) == []


def test_folders_of_this_process_exist() -> None:
    assert all(folder.is_dir() for folder in cgroups.folders("cpu"))
