import os
from pathlib import Path

from lab import latest_link


def test_the_link_names_the_newest_run(tmp_path: Path) -> None:
    for name, named in (("2026-b", "2026-b"), ("2026-a", "2026-b"), ("2026-c", "2026-c")):
        latest_link.point_if_newer(tmp_path / name)
        assert os.readlink(tmp_path / "latest") == named
    latest_link.point(tmp_path / "2026-a")
    assert os.readlink(tmp_path / "latest") == "2026-a"
