"""Drills one after the other."""

import pytest

from lab.drills import series
from lab.drills.processes.server_frozen import ServerFrozen
from lab.drills.processes.server_killed import ServerKilled
from lab.errors import LabError, UsageError

DRILLS = [ServerFrozen(), ServerKilled()]


def test_progress_says_how_many_and_how_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = iter([0.0, 90.0])
    monkeypatch.setattr(series.time, "monotonic", lambda: next(now))
    assert series.run(DRILLS, lambda drill: 3) == {"server-frozen": 3, "server-killed": 3}
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("Drill 1 of 2: server-frozen: the server is frozen")
    assert said[-1].startswith("Drill 2 of 2, about 2 min left: server-killed: ")


def test_lab_that_fails_does_not_end_the_series(capsys: pytest.CaptureFixture[str]) -> None:
    def one(drill: object) -> int:
        if drill is DRILLS[0]:
            raise LabError("no room")
        return 0

    assert series.run(DRILLS, one) == {"server-frozen": 1, "server-killed": 0}
    assert "server-frozen: no room" in capsys.readouterr().err


def test_usage_error_ends_the_series() -> None:
    def one(drill: object) -> int:
        raise UsageError("not so")

    with pytest.raises(UsageError, match="not so"):
        series.run(DRILLS, one)


def test_table_has_what_came_of_each() -> None:
    assert series.table({"a": 0, "long": 3, "b": 4, "c": 1}) == [
        "a     recovered", "long  not recovered", "b     unknown", "c     exit code 1"
    ]  # fmt: skip


@pytest.mark.parametrize(("codes", "code"), [((), 0), ((0, 0), 0), ((0, 4, 3), 4), ((4, 1, 0), 1), ((0, 130), 130)])
def test_exit_code_is_the_worst(codes: tuple[int, ...], code: int) -> None:
    assert series.worst({str(number): one for number, one in enumerate(codes)}) == code
