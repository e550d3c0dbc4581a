import pytest

from lab.eject.code import WIDTH, Needs, call, indented, literal, pattern


@pytest.mark.parametrize("data", [b"", b"a", b"it's", b'say "x"', b"\x00\xff\r\n\\", b"'\""])
def test_literal_is_the_data_in_double_quotes(data: bytes) -> None:
    assert eval(literal(data)) == data
    assert literal(data).startswith('b"')


@pytest.mark.parametrize("data", [rb"^\d+$", b'a"b', b"a\\\\", b"\xff", b"a\nb"])
def test_pattern_is_the_expression(data: bytes) -> None:
    assert eval(pattern(data)) == data


def test_plain_expression_is_raw() -> None:
    assert pattern(rb"^\d+$") == r'rb"^\d+$"'


def test_imports_in_their_order() -> None:
    needs = Needs()
    needs.module("re")
    for name in ("Wait", "Connect"):
        needs.use(name)
    needs.use("UTC", "datetime")
    needs.use("More", "rawsocket.conversation.plan")
    assert needs.imports() == [
        "import re",
        "from datetime import UTC",
        "",
        "from rawsocket import Connect, Wait",
        "from rawsocket.conversation.plan import More",
    ]


def test_long_call_has_a_line_for_each_argument() -> None:
    assert call("f", ["a", "b=1"], 4, "yield ") == ["    yield f(a, b=1)"]
    long = "x" * WIDTH
    assert call("f", ["a", long], 4, "yield ") == ["    yield f(", "        a,", f"        {long},", "    )"]


def test_empty_lines_have_no_indent() -> None:
    assert indented(["a", "", "b"], 4) == ["    a", "", "    b"]
