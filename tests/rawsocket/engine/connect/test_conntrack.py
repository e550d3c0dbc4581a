from pathlib import Path

import pytest

from rawsocket.engine.connect import conntrack


@pytest.mark.parametrize(
    ("count", "most", "said"),
    [
        ("65536\n", "65536\n", "the connection-tracking table is full (65,536 of 65,536 entries)"),
        ("99", "100", "the connection-tracking table is full (99 of 100 entries)"),
        ("98", "100", ""),
        ("0", "0", ""),
        ("x", "100", ""),
        ("", "", ""),
    ],
)
def test_table_is_full_from_99_percent_on(tmp_path: Path, count: str, most: str, said: str) -> None:
    (tmp_path / "nf_conntrack_count").write_text(count)
    (tmp_path / "nf_conntrack_max").write_text(most)
    assert conntrack.full(tmp_path) == said


def test_kernel_without_a_table(tmp_path: Path) -> None:
    assert conntrack.full(tmp_path / "none") == ""
