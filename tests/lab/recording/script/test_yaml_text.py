r"""The text of a file: quoting, blocks, hex, comments; the compiler reads back what was meant."""

from pathlib import Path

import pytest

from lab.conversation.compile import compiled
from lab.recording.script.expectations import Expectation, Replied
from lab.recording.script.steps import Script, Step
from lab.recording.script.templates import Text
from lab.recording.script.yaml_text import WIDTH, conversation, duration, expectation, quoted
from rawsocket.conversation.plan import Value

EVERY_BYTE = bytes(range(256))


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0"),
        (0.0004, "0"),
        (0.25, "250ms"),
        (1, "1s"),
        (1.5034, "1503ms"),
        (60.0, "60s"),
        (150.2, "150s"),
        (0.9996, "1s"),
    ],
)
def test_duration(seconds: float, written: str) -> None:
    assert duration(seconds) == written


def test_quoted() -> None:
    assert (
        quoted([b'a"b\\c{d}\r\n\0\x1b\xff', "{user}", "ü€\x85".encode()])
        == r'"a\"b\\c{{d}}\r\n\0\e\xff{user}ü€\xc2\x85"'
    )


@pytest.mark.parametrize(
    ("each", "written"),
    [
        (Expectation("any"), "any"),
        (Expectation("exact", [b"+OK"]), '"+OK"'),
        (Expectation("prefix", [b"a", "{user}"]), '{prefix: "a{user}"}'),
        (Expectation("suffix", [b"\xff\0"]), '{suffix: {hex: "ff 00"}}'),
        (Expectation("exact", [b"\x20\2\0\0"]), '{hex: "20 02 00 00"}'),
        (Expectation("hex", pattern="?? 01"), '{hex: "?? 01"}'),
        (Expectation("regex", pattern=r'^\d "'), r'{regex: "^\\d \""}'),
    ],
)
def test_expectation(each: Expectation, written: str) -> None:
    assert expectation(each) == written


def _read(tmp_path: Path, *steps: Step, framing: str = "chunk") -> tuple[str, list[bytes | str]]:
    """The file of a script, and the pieces of its messages as the compiler reads them; a value is its name."""
    text = conversation(Script(framing, "tcp://127.0.0.1:1", steps=list(steps)), "mine")
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    pieces = [piece for step in compiled(path).plan.steps if step.message for piece in step.message.pieces]
    return text, [piece.name if isinstance(piece, Value) else piece for piece in pieces]


@pytest.mark.parametrize(
    "message",
    [
        EVERY_BYTE,
        b"plain",
        b" blanks around ",
        b"line one\r\nline two is longer than the first\r\n\r\n and a fourth line that begins with a blank \r\n",
        b"\n\nline one\n\tline two is somewhat longer than the first one, and has a tab before it\n\n\n",
        b"\r\n  first line is blank, second is indented and long enough to be a block\r\nthird line\r\n.\r\n",
        b"# no comment: 'single' \"double\" {braces} [list] & * ! % @ ` | > \\ \\x41 \\r\r\nsecond line\r\nthird\r\n",
        "ümlaut €\r\nand a line that is long enough to make this text a block of lines\r\n\x85\r\n".encode(),
        b"null",
        b"0123",
        b"\xff" * 200,
        b"x" * 500,
    ],
)
def test_compiler_reads_the_bytes_that_were_recorded(tmp_path: Path, message: bytes) -> None:
    _, pieces = _read(tmp_path, Step([message], replied=Replied(reply=False)))
    assert pieces == [message]


def test_values_in_every_kind_of_text(tmp_path: Path) -> None:
    long = b"a line that is rather long, so that three of them make a block in the file\r\n"
    for data in (b"ab", b"\xff\xfe", b"\xff" * 100, long * 3):
        _, pieces = _read(tmp_path, Step([data, "{user}", data], replied=Replied(reply=False)))
        assert pieces == [data, "user", data]


def test_lines_are_short_and_comments_stand_before_their_step(tmp_path: Path) -> None:
    note = "this was guessed for a reason that takes many words to tell, so many that they don't fit into a single line"
    text: Text = [b"GET /a/rather/long/path HTTP/1.1\r\nHost: somewhere.example.test\r\nAccept: text/plain\r\n\r\n"]
    written, _ = _read(
        tmp_path, Step(text, "GET /a", Replied(expect=(Expectation("prefix", [b"HTTP/1.1 200"]),)), notes=[note])
    )
    assert written.splitlines() == [
        "# Recorded from tcp://127.0.0.1:1: .",
        "framing: chunk",
        "target: tcp://127.0.0.1:1",
        "steps:",
        "  # this was guessed for a reason that takes many words to tell, so many that they don't fit into a",
        "  # single line",
        "  - send: |-",
        r"      GET /a/rather/long/path HTTP/1.1\r",
        r"      Host: somewhere.example.test\r",
        r"      Accept: text/plain\r",
        r"      \r\n",
        '    name: "GET /a"',
        '    expect: {prefix: "HTTP/1.1 200"}',
    ]
    assert max(map(len, written.splitlines())) <= WIDTH


def test_all_keys_of_a_conversation(tmp_path: Path) -> None:
    script = Script(
        framing=r'{delimiter: "\r\n"}',
        target="tcp://127.0.0.1:1",
        notes=["a note"],
        connect=[
            Step(name="greeting", replied=Replied(expect=(Expectation("prefix", [b"220"]),))),
            Step(
                [b"AUTH ", "{password}"],
                replied=Replied(until=Expectation("exact", [b"END"])),
                captures={"id": rb"id=(\d+)"},
            ),
            Step(seconds=0.25),
        ],
        steps=[
            Step(
                [b"GET"], replied=Replied(expect=(Expectation("regex", pattern=r"^\$(?P<len>\d+)$"),), then="{len}+2")
            ),
            Step([b"SEND"], replied=Replied(reply=False)),
            Step([b"LIST"], replied=Replied(expect=(Expectation("exact", [b"a"]),), frames=3)),
        ],
        goodbye=[Step([b"QUIT"], replied=Replied(expect=(Expectation("any"),)))],
        every=0.5,
        rounds=1,
        columns=["password"],
        pushes=[
            (Expectation("prefix", [b"MSG"]), []),
            (Expectation("regex", pattern="^PING (?P<rest>.*)"), [b"PONG ", "{rest}"]),
        ],
        recorded="1 connection, 9 messages",
    )
    text = conversation(script, "mine")
    assert (
        text
        == r"""# Recorded from tcp://127.0.0.1:1: 1 connection, 9 messages.
# a note
framing: {delimiter: "\r\n"}
target: tcp://127.0.0.1:1
# fill mine.csv: one line for each user, with password
data: mine.csv
every: 500ms
rounds: 1
pushes: [{prefix: "MSG"}, {regex: "^PING (?P<rest>.*)", answer: "PONG {rest}"}]
connect:
  - {receive: {prefix: "220"}, name: greeting}
  - {send: "AUTH {password}", until: "END", capture: {id: {regex: "id=(\\d+)"}}}
  - wait: 250ms
steps:
  - {send: "GET", expect: {regex: "^\\$(?P<len>\\d+)$"}, then: {bytes: "{len}+2"}}
  - {send: "SEND", reply: no}
  - {send: "LIST", expect: "a", frames: 3}
goodbye:
  - {send: "QUIT"}
"""
    )
    (tmp_path / "mine.yaml").write_text(text)
    (tmp_path / "mine.csv").write_text("password\ns3cret\n")
    plan = compiled(tmp_path / "mine.yaml").plan
    assert [step.kind for step in plan.connect] == ["receive", "send", "wait"]
