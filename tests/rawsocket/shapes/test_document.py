"""A load shape as a conversation has it."""

from typing import Any

import pytest

from rawsocket.shapes.document import from_document
from rawsocket.shapes.shape import Shape, Soak, Spike, Steps, Wave


@pytest.mark.parametrize(
    ("document", "shape"),
    [
        ({"steps": {"from": 100, "to": 1000, "by": 100, "hold": "30s"}}, Steps(100, 1000, 100, "30s")),
        ({"steps": {"from": "100", "to": "1000", "by": "100", "hold": "30"}}, Steps(100, 1000, 100, 30)),
        ({"spike": {"base": 100, "peak": 500, "after": "1m", "hold": "30s"}}, Spike(100, 500, "1m", "30s")),
        ({"soak": {"users": 100, "hold": "1h"}}, Soak(100, "1h")),
        ({"soak": {"users": 100, "hold": "1h", "parts": 6, "settle": "2m"}}, Soak(100, "1h", 6, "2m")),
        ({"wave": {"low": 1, "high": 5, "period": "20s", "waves": 3}}, Wave(1, 5, "20s", 3)),
    ],
)
def test_shape_is_read(document: dict[str, Any], shape: Shape) -> None:
    assert from_document(document) == shape


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "shape: expected one of steps, spike, soak, wave with its keys"),
        ("steps", "shape: expected one of"),
        ({"steps": {}, "wave": {}}, "shape: expected one of"),
        (
            {"step": {}},
            "shape: there is no shape 'step'; expected one of steps, spike, soak, wave; did you mean",
        ),
        ({"steps": 5}, "steps: expected a map with the keys from, to, by, hold"),
        ({"steps": {"form": 5}}, "steps: there is no key 'form'; did you mean from?"),
        ({"steps": {"from": 5, "hold": "5s"}}, "steps: to, by missing; expected from, to, by, hold"),
        ({"wave": {"low": "no", "high": 5, "period": "20s"}}, "wave: low: 'no' is not possible"),
    ],
)
def test_mistake_is_one_line(document: Any, said: str) -> None:
    with pytest.raises(ValueError, match=r"^.*$") as raised:
        from_document(document)
    assert str(raised.value).startswith(said)
