import os
from pathlib import Path

import pytest

from bench.harness import compiled
from lab.errors import LabError
from tests.support.bench_servers import needs_gcc


@needs_gcc
@pytest.mark.parametrize("name", ["load/echo", "server/load", "server/plain"])
def test_each_program_is_compiled_once(name: str, tmp_path: Path) -> None:
    made = Path(compiled.program(name, tmp_path))
    before = made.stat().st_mtime_ns
    assert compiled.program(name, tmp_path) == str(made)
    assert made.stat().st_mtime_ns == before
    assert os.access(made, os.X_OK)


def test_a_missing_compiler_is_one_line_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match=r"load\.c needs a C compiler \(gcc, cc\): install one"):
        compiled.program("server/load", tmp_path)


def test_a_failing_compiler_is_reported_with_its_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gcc = tmp_path / "gcc"
    gcc.write_text("#!/bin/sh\necho 'no such thing' >&2\nexit 1\n")
    gcc.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(LabError, match="ended with 1") as error:
        compiled.program("load/echo", tmp_path / "made")
    assert error.value.evidence == "no such thing"
