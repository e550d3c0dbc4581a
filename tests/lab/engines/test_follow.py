import json
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from lab.engines import follow
from lab.errors import Interrupted, LabError, UsageError
from lab.settings import read
from rawsocket.master.reports.progress import line
from tests.support.verdicts import second

SHAPED = second(left_s=None)
SETTINGS = read({"TIME": "1s", "USERS": "1", "RATE": "1"}, {})
POLL_S = 0.01


class Part:
    """A part whose exit codes are those of the looks at it, and whose log comes in pieces."""

    def __init__(self, role: str, *codes: int | None, log: tuple[bytes, ...] = ()) -> None:
        self.role = role
        self.codes = list(codes)
        self.pieces = log

    def refresh(self) -> None:
        if len(self.codes) > 1:
            self.codes.pop(0)

    def exit_code(self) -> int | None:
        return self.codes[0]

    def log(self) -> str:
        return b"".join(self.pieces).decode()

    def output(self) -> Iterator[bytes]:
        yield from self.pieces


def _accept() -> None:
    return


def _follow(master: Part, check: object = _accept) -> tuple[int, list[str]]:
    lines: list[str] = []
    parts = [Part("worker", None), master]
    return follow.follow(parts, lines.append, check, SETTINGS, POLL_S), lines  # type: ignore[arg-type]


def test_the_exit_code_of_the_master_after_it_has_ended() -> None:
    assert _follow(Part("master", None, None, 3)) == (3, [])


def test_lines_are_relayed_however_the_log_is_cut() -> None:
    master = Part("master", 0, log=(b"o", b"ne\r\ntw", b"o\n\xff\nrest"))
    assert _follow(master) == (0, ["one", "two", "\ufffd", "rest"])


@pytest.mark.parametrize(("code", "given"), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (130, 130), (7, 1), (137, 1)])
def test_an_unexpected_exit_code_means_that_the_lab_failed(
    capsys: pytest.CaptureFixture[str], code: int, given: int
) -> None:
    assert _follow(Part("master", code)) == (given, [])
    said = f"the master exited with unexpected code {code}: the verdict is unknown\n"
    assert capsys.readouterr().err == (said if code != given else "")


def test_a_worker_that_refuses_a_setting_before_the_start_ends_the_run() -> None:
    def refuse() -> None:
        raise UsageError("worker: no")

    with pytest.raises(UsageError, match="worker: no"):
        _follow(Part("master", None), refuse)


def test_workers_are_not_asked_after_the_start() -> None:
    asked: list[None] = []
    master = Part("master", *[None] * 50, 0, log=(b"held 0/1  connects\n",))
    _follow(master, lambda: asked.append(None))
    assert len(asked) < 50


def test_a_run_has_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """TIME, the ramp and a margin; the evidence is the master's log."""
    monkeypatch.setattr(follow, "MARGIN_S", -2.0)
    with pytest.raises(LabError, match="the run did not end within 0 s") as error:
        _follow(Part("master", None, log=(b"still here\n",)))
    assert error.value.evidence == "still here"


def test_nothing_is_relayed_after_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted, read_on = threading.Event(), threading.Event()

    class Slow(Part):
        def output(self) -> Iterator[bytes]:
            yield b"before\n"
            interrupted.wait(30)
            yield b"after\n"
            read_on.set()

    def interrupt(_: float) -> None:
        raise Interrupted

    lines: list[str] = []
    master = Slow("master", None)
    sleep = time.sleep
    monkeypatch.setattr(follow.time, "sleep", lambda s: interrupt(s) if lines else sleep(s))
    with pytest.raises(Interrupted):
        follow.follow([master], lines.append, _accept, SETTINGS, POLL_S)
    interrupted.set()
    assert read_on.wait(30)
    assert lines == ["before"]


@pytest.mark.parametrize("said", [f"{line(SHAPED)}\n".encode(), json.dumps({"progress": SHAPED}).encode() + b"\n"])
def test_run_under_a_load_shape_has_no_time_limit_while_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    clock = [0.0]

    class Shaped(Part):
        def output(self) -> Iterator[bytes]:
            for _ in range(30):
                clock[0] += follow.MARGIN_S * 0.4
                yield said
            self.codes = [0]

    monkeypatch.setattr(follow, "time", SimpleNamespace(monotonic=lambda: clock[0], sleep=time.sleep))
    code, lines = _follow(Shaped("master", None))
    assert (code, len(lines)) == (0, 30)
