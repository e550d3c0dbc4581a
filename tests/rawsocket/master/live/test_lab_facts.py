from pathlib import Path

from rawsocket.master.live import lab_facts
from rawsocket.verdict.observed import LabFact


def test_lines_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    lines = ['{"part": "server", "text": "ended"}', "{", "[]", '{"unknown": 1}', ""]
    (tmp_path / lab_facts.NAME).write_text("\n".join(lines))
    assert lab_facts.read(str(tmp_path)) == [LabFact("server", "ended")]


def test_no_file_and_no_folder_are_no_facts(tmp_path: Path) -> None:
    assert lab_facts.read(str(tmp_path)) == lab_facts.read("") == []
