"""Files with a mistake: each is one line with place, what is wrong, what was expected, what to do; exit code 2."""

import subprocess
import sys
from pathlib import Path

import pytest

from lab import __main__ as command
from lab import folders

# By name: the file, the place of the mistake, and a part of the line.
BROKEN = {
    "empty": ("", "1:1", "the file is empty; expected the keys of a conversation; begin with `steps:`"),
    "no map": ("- send: a\n", "1:1", "a list stands here"),
    "no steps": ("every: 5s\n", "1:1", "the file has no steps; expected `steps:`"),
    "unknown key": ("stepps: [{send: a}]\n", "1:1", "unknown key `stepps`; did you mean steps?"),
    "unknown key of a step": ("steps:\n  - {send: a, exepct: b}\n", "2:15", "`exepct`; did you mean expect?"),
    "unknown step": ("steps:\n  - {sned: a}\n", "2:6", "unknown key `sned`; did you mean send?; expected a step"),
    "two steps in one": ("steps: [{send: a, wait: 1s}]\n", "1:19", "a step with send and wait; a step does one thing"),
    "unknown word": ("steps: [conect]\n", "1:9", "`conect` is not known here"),
    "key twice": ("every: 5s\nsteps: [{send: a}]\nevery: 6s\n", "3:1", "the key `every` stands here and in line 1"),
    "no": ("steps: [{send: a, expect: no}]\n", "1:27", "YAML takes `no` for yes or no; expected a text; write"),
    "0123": ("steps: [{send: 0123}]\n", "1:16", 'takes `0123` for a number; expected a text; write it in quotes: "'),
    "1.5": ("steps: [{send: a, expect: {prefix: 1.5}}]\n", "1:36", "YAML takes `1.5` for a number"),
    "date": ("steps: [{send: 2026-01-01}]\n", "1:16", "YAML takes `2026-01-01` for a date"),
    "null": ("steps: [{send: a, name: ~}]\n", "1:25", "YAML takes `~` for nothing"),
    "value missing": ("steps:\n  - send:\n", "2:10", "the value is missing; expected a text"),
    "braces without quotes": ("steps: [{send: {user}}]\n", "1:16", 'quotes make a text of it: "{user}"'),
    "tab": ("steps:\n\t- send: a\n", "2:1", "YAML has no tabs in front of a key: expected spaces"),
    "no YAML": ("steps: [{send: a}\n", "2:1", "this is no YAML"),
    "YAML's escape": ('steps: [{send: "a\\d"}]\n', "1:19", "use single quotes, or write \\\\"),
    "our escape": ("steps: [{send: 'ab\\d'}]\n", "1:19", r"`\d` is no escape; expected \xNN"),
    "single brace": ("steps: [{send: 'a } b'}]\n", "1:19", "a single `}`; a value stands in braces"),
    "unknown value": ("steps: [{send: 'a {usr}'}]\n", "1:19", "there is no value {usr} here"),
    "value before its capture": (
        "steps:\n  - send: 'a {id}'\n  - {send: b, capture: {id: {at: 0, size: 2}}}\n", "2:14", "no value {id} here",
    ),
    "format": ("steps: [{send: 'a {n:q8}'}]\n", "1:19", "{n:q8} has no such format; expected u1 to u8"),
    "hex": ("steps: [{send: {hex: '00 0g'}}]\n", "1:26", "`0g` is not in hex; expected two digits for each byte"),
    "regex": ("steps: [{send: a, expect: {regex: '(a'}}]\n", "1:35", "this is no regular expression: missing )"),
    "duration": ("every: 5x\nsteps: [{send: a}]\n", "1:8", "`5x` is not valid; expected a time such as 50ms"),
    "drill": (
        "drill: {name: server-frosen}\nsteps: [{send: a}]\n", "1:15", "expected one of server-frozen, ",
    ),
    "drill without a name": ("drill: {at: 5s}\nsteps: [{send: a}]\n", "1:8", "the key `name` is missing"),
    "key of a drill": ("drill: {name: reset, fro: 5s}\nsteps: [{send: a}]\n", "1:22", "`fro`; did you mean for?"),
    "unit": ("thresholds: {p99: 20}\nsteps: [{send: a}]\n", "1:19", "expected a time with its unit"),
    "row of a limit": (
        "thresholds: {p99: {ste: 20ms}}\nsteps: [{send: a, name: set}]\n", "1:20", "did you mean set?",
    ),
    "framing": ("framing: {delimter: x}\nsteps: [{send: a}]\n", "1:11", "`delimter`; did you mean delimiter?"),
    "option of a framing": ("framing: {length: {size: 3}}\nsteps: [{send: a}]\n", "1:19", "must be 1, 2, 4 or 8"),
    "target": ("target: localhost:80\nsteps: [{send: a}]\n", "1:9", "it does not begin with tcp://"),
    "one-way with a reply": ("steps: [{send: a, reply: no, expect: b}]\n", "1:30", "`expect` beside `reply: no`"),
    "then without a regex": ("steps: [{send: a, then: {bytes: 4}}]\n", "1:19", "`then` without an expectation"),
    "end mark in a message": (
        'framing: {delimiter: "\\r\\n"}\nsteps: [{send: "a\\r\\nb{n}"}]\n', "2:16", "this message holds",
    ),
    "length of a whole frame": (
        "framing: {length: {at: 0, size: 2, adjust: 0}}\nsteps: [{send: {hex: '00 05 61'}}]\n", "2:16",
        "this message can't be sent: its length is missing or wrong",
    ),
    "then without frames": (
        "framing: chunk\nsteps: [{send: a, expect: b, then: {bytes: 2}}]\n", "1:10", "raw bytes can't follow a message",
    ),
    "missing file": ("steps: [{send: {file: a.bin}}]\n", "1:23", "the file a.bin can't be read: No such file"),
    "missing data": ("data: a.csv\nsteps: [{send: a}]\n", "1:7", "the data of a.csv can't be read"),
    "missing key": ("heartbeat: {every: 5s}\nsteps: [{send: a}]\n", "1:12", "the key `send` is missing"),
    "alias": ("steps: [&a {send: a}, *a]\n", "1:9", "`&a` names a part of the file"),
    "not UTF-8": (b"steps:\n  - send: '\xff'\n", "2:1", "this line is not UTF-8"),
    "control character": ("steps:\n  - send: 'a\x01'\n", "2:13", r"the character U+0001; YAML has no such character"),
    "too deep": ("steps: " + "[" * 3000, "1:1", "maps or lists within each other are too deep"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "conversations").mkdir()
    monkeypatch.setattr(folders, "work", lambda: tmp_path)
    monkeypatch.delenv("SCENARIO", raising=False)
    return tmp_path


@pytest.mark.parametrize("name", BROKEN)
def test_broken_file_is_one_line(name: str, work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, place, part = BROKEN[name]
    (work / "conversations/mine.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert command.main(["load", "--scenario", "mine"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"conversations/mine.yaml:{place}: "), said
    assert part in said, said
    assert said.count("\n") == 1
    # what is wrong; what was expected; what to do
    assert said.count("; ") >= 2, said


def test_broken_data_has_a_place_in_its_own_file(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "conversations/mine.yaml").write_text("data: users.csv\nsteps: [{send: '{name}'}]\n")
    (work / "conversations/users.csv").write_text("name,secret\nann\n")
    assert command.main(["ci", "--scenario", "mine"]) == 2
    assert capsys.readouterr().err == (
        "conversations/users.csv:2:1: 1 of 2 values; expected one a column; correct it\n"
    )  # fmt: skip


def test_broken_file_through_a_process(work: Path) -> None:
    (work / "mine.yaml").write_text("steps: [{sned: a}]\n")
    words = [sys.executable, "-m", "lab", "up", "--scenario", str(work / "mine.yaml")]
    done = subprocess.run(words, cwd=folders.ASSETS, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{work}/mine.yaml:1:10: unknown key `sned`; did you mean send?; ")
    assert done.stderr.count("\n") == 1
