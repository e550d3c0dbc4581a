import io
import zipfile
from pathlib import Path

from rawsocket.master.page import downloads


def _files(folder: Path) -> list[Path]:
    paths = [folder / "report.html", folder / "verdict.json"]
    for path in paths:
        path.write_text(path.name)
    return paths


def test_zip_has_all_files_in_one_folder(tmp_path: Path) -> None:
    found = zipfile.ZipFile(io.BytesIO(downloads.zipped(_files(tmp_path), "run")))
    assert found.namelist() == ["run/report.html", "run/verdict.json"]
    assert found.read("run/verdict.json") == b"verdict.json"


def test_file_is_found_by_its_name_only(tmp_path: Path) -> None:
    files = _files(tmp_path)
    assert downloads.find(files, "report.html") == files[0]
    assert downloads.find(files, "../report.html") is None


def test_types_that_a_browser_shows() -> None:
    assert [downloads.type_of(Path(name)) for name in ("a.html", "a.csv", "a.bin")] == [
        "text/html",
        "text/plain",
        "application/octet-stream",
    ]
