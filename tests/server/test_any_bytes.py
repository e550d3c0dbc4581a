"""A small part of `make fuzz`: bytes of any kind, to each model and to the pure code; and what it finds."""

import os
import subprocess
import sys
from time import monotonic

import pytest

from server import protocol
from server.models import MODELS
from tests.fuzz import __main__ as program
from tests.fuzz import models, wire
from tests.fuzz.inputs import LIMIT, TOO_LONG, Expected, Inputs, corpus, expected
from tests.fuzz.tally import Failed, Tally
from tests.support.server_process import ROOT


@pytest.mark.parametrize("name", MODELS)
def test_model_survives_any_bytes_and_counts_them(name: str) -> None:
    tally = models.fuzz(name, 120, seed=1, until=monotonic() + 600)
    assert tally.inputs >= 120
    assert tally.connections > tally.rude > 0


def test_pure_code_survives_any_bytes() -> None:
    assert wire.fuzz(1500, seed=1, until=monotonic() + 600).inputs == 1500


@pytest.mark.parametrize(
    ("stream", "must"),
    [
        (b"", Expected([])),
        (b"a\n\nb", Expected([b"a", b""], unfinished=True)),
        (b"x" * LIMIT + b"\n", Expected([b"x" * LIMIT])),
        (b"x" * LIMIT, Expected([], unfinished=True)),
        (b"a\n" + b"x" * (LIMIT + 1), Expected([b"a"], too_long=True)),
        (b"x" * (LIMIT + 1) + b"\nb\n", Expected([], too_long=True)),
    ],
)
def test_definition_of_what_must_become_of_a_stream(stream: bytes, must: Expected) -> None:
    assert expected(stream) == must
    assert must.replies.endswith(TOO_LONG) is must.too_long


def test_same_seed_makes_the_same_streams_from_the_corpus() -> None:
    assert [Inputs(7).stream() for _ in range(3)] == [Inputs(7).stream() for _ in range(3)]
    assert Inputs(7).stream() != Inputs(8).stream()
    assert b"x" * 201 + b"\n" in corpus()
    stream = b"".join(Inputs(9).stream())
    assert b"".join(Inputs(9).cut(stream)) == stream


def test_wrong_decoder_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol.LineDecoder, "feed", lambda self, data: data.split(b"\n"))
    with pytest.raises(Failed, match="LineDecoder finds"):
        wire.fuzz(1500, seed=1, until=monotonic() + 600)


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ("from server import protocol; protocol.TOO_LONG = b'no\\n'", "instead of"),
        ("from server.monitoring.counters import Counters; Counters.messages = 0", "messages_total has grown by"),
        ("import os; from server.protocol import LineDecoder; made = LineDecoder.__init__\n"
         "def leaking(self, limit): os.dup(2); made(self, limit)\n"
         "LineDecoder.__init__ = leaking", "still after 1 s: "),
    ],
)  # fmt: skip
def test_server_that_does_wrong_is_found(monkeypatch: pytest.MonkeyPatch, spoilt: str, said: str) -> None:
    monkeypatch.setattr(models, "SETTLE_S", 1.0 if "dup" in spoilt else models.SETTLE_S)
    real = models.running_server
    monkeypatch.setattr(models, "running_server", lambda *flags: real(*flags, before=spoilt))
    with pytest.raises(Failed, match=said):
        models.fuzz("select", 300, seed=1, until=monotonic() + 600)


@pytest.mark.parametrize(
    ("given", "said"),
    [({"ONLY": "epol"}, "expected some of wire, sync,"), ({"COUNT": "0"}, "of at least 1"), ({"TIME": "x"}, "a time")],
)
def test_setting_that_cannot_be_used_is_one_line(given: dict[str, str], said: str) -> None:
    command = [sys.executable, "-m", "tests.fuzz"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | given, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr


def test_run_says_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.run(["wire", "poll"], 50, 600.0, 3) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("wire             50 inputs in")
    assert "connections" in lines[1]
    assert lines[2] == "No crash, no wrong reply or count, nothing left open (SEED=3)."
    assert program.run(["wire"], 50, -1.0, 3) == 0
    assert "TIME was over before the 50 inputs" in capsys.readouterr().out


def test_failure_ends_a_run_with_1_and_the_seed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(*_: object) -> Tally:
        raise Failed("a reply was wrong")

    monkeypatch.setattr(wire, "fuzz", failing)
    assert program.run(["wire", "poll"], 50, 600.0, 3) == 1
    assert capsys.readouterr().out == "wire: a reply was wrong (SEED=3 repeats it)\n"
