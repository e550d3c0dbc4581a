from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.conversation.syntax.scope import Scope
from lab.conversation.syntax.source import Mistake, Place, Source
from rawsocket.conversation.formats import number_format
from rawsocket.conversation.plan import BUILT_IN, Value

PLACE = Place(Source(Path("f"), "f"), 1, 1)


@dataclass
class Named:
    name: str
    format: str = ""
    place: Place = PLACE


def test_built_in_before_columns_before_captures() -> None:
    scope = Scope(("name", "both"), ("token", "both"))
    assert scope.value(Named("user")) == Value("built-in", "user")
    assert scope.value(Named("name")) == Value("column", "name")
    assert scope.value(Named("both")) == Value("column", "both")
    assert scope.value(Named("token", "u4")) == Value("capture", "token", "u4")
    assert scope.value(Named("<")) == Value("mark", "<")


def test_captures_of_more_steps() -> None:
    assert Scope().with_captures(["id"]).value(Named("id")) == Value("capture", "id")


@pytest.mark.parametrize("style", ["", "u1", "u2le", "u3", "u8", "5", "05", "x", "x8", "varint"])
def test_formats_of_numbers_are_those_of_the_workers(style: str) -> None:
    assert Scope().value(Named("n", style)).format == style
    number_format(style)


@pytest.mark.parametrize(
    ("name", "style"),
    [("random", ""), ("random", "16"), ("random", "u4"), ("time", "ms"), ("time", "%Y%m%d-%H:%M:%S.%f"), ("uuid", "")],
)
def test_formats_of_their_own(name: str, style: str) -> None:
    assert Scope().value(Named(name, style)) == Value("built-in", name, style)


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("n", "u9"),
        ("n", "q"),
        ("random", "abc"),
        ("time", "us"),
        ("time", "%Q"),
        ("uuid", "u4"),
        ("<", "u1"),
        ("c", "z"),
    ],
)
def test_format_that_a_value_does_not_have(name: str, style: str) -> None:
    with pytest.raises(Mistake, match=r"has no such format; expected .*; correct what follows the :"):
        Scope(captures=["c"]).value(Named(name, style))


def test_unknown_value_names_those_that_are_known() -> None:
    with pytest.raises(Mistake) as refused:
        Scope(("secret",)).value(Named("sekret"))
    assert "did you mean secret?" in str(refused.value)
    assert all(name in str(refused.value) for name in BUILT_IN)


def test_column_with_the_name_of_a_built_in_value() -> None:
    with pytest.raises(Mistake, match=r"\{user\} is a column of the data and a built-in value; .*rename the column"):
        Scope(("user",)).value(Named("user"))
