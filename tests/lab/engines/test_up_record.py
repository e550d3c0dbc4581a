from pathlib import Path

from lab.engines.up_record import UpRecord
from lab.settings import read


def test_what_up_has_started_is_known_until_it_is_forgotten(tmp_path: Path) -> None:
    record = UpRecord(tmp_path / "up/one.json")
    assert record.read() == {}
    record.write(read({"PAGE_PORT": "8091", "MODEL": "epoll"}, {}))
    page = {"PAGE_HOST": "127.0.0.1", "PAGE_PORT": "8091"}
    assert record.read() == {**page, "TARGET": "", "MODEL": "epoll", "SCENARIO": "hold"}
    assert record.given() == {}
    record.write(read({"MODEL": "epoll"}, {}), {"MODEL": "epoll"})
    assert record.given() == {"MODEL": "epoll"}
    record.write(read({"PAGE_PORT": "8091"}, {}))
    record.note_brought(["1-page"])
    record.write(read({}, {}))
    record.note_brought(["2-page"])
    assert (record.read()["PAGE_PORT"], record.brought()) == ("8089", ["1-page", "2-page"])
    record.forget()
    record.forget()
    assert record.read() == {}


def test_a_file_that_can_not_be_written_or_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "up").write_text("no folder")
    UpRecord(tmp_path / "up/one.json").write(read({}, {}))
    for text in ("{", "[]", "{}"):
        (tmp_path / "one.json").write_text(text)
        assert (UpRecord(tmp_path / "one.json").read(), UpRecord(tmp_path / "one.json").brought()) == ({}, [])
