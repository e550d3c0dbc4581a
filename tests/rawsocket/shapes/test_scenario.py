"""The load shape of a scenario, from its classes and from its source."""

import ast

import pytest

from rawsocket.shapes.scenario import of_classes, of_source
from rawsocket.shapes.shape import Shape, Soak, Steps


class Plain:
    pass


class Climbing:
    shape = Steps(1, 9, by=4, hold=5)


class Climbing2(Climbing):
    pass


class Soaking:
    shape = Soak(7, 40)


class Mistaken:
    shape = "steps"


def test_shape_of_classes() -> None:
    assert of_classes([Plain]) is None
    assert of_classes([Plain, Climbing, Climbing2]) == Steps(1, 9, 4, 5)


def test_two_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="Climbing and Soaking have different shapes"):
        of_classes([Climbing, Soaking])


def test_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Mistaken\.shape: 'steps' is no load shape: expected Steps, Spike"):
        of_classes([Mistaken])


@pytest.mark.parametrize(
    ("line", "shape"),
    [
        ("shape = Steps(1, 9, by=4, hold='5s')", Steps(1, 9, 4, "5s")),
        ("shape: Shape = rawsocket.Soak(users=7, hold=40)", Soak(7, 40)),
        ("shape = Steps(1, MOST, by=4, hold=5)", None),
        ("shape = Steps(1, 9, by=4, hold=0)", None),
        ("shape = Steps(1)", None),
        ("shape = None", None),
        ("form = Steps(1, 9, by=4, hold=5)", None),
        ("every = 5", None),
    ],
)
def test_shape_of_a_source(line: str, shape: Shape | None) -> None:
    assert of_source(ast.parse(f"class A:\n    {line}\n")) == shape
