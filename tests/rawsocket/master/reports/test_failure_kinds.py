import pytest

from rawsocket.errors import NAMES
from rawsocket.master.reports import failure_kinds


def _document(failed: dict[str, int], dropped: dict[str, int]) -> dict[str, dict[str, dict[str, int]]]:
    return {"connections": {"failed": failed, "dropped": dropped}}


@pytest.mark.parametrize(
    ("failed", "dropped", "text"),
    [
        ({}, {}, ""),
        ({"refused": 270}, {"closed": 59, "reset": 1}, "270 connects refused, 60 lost"),
        ({"refused": 5506}, {"closed": 1013, "wrong": 178, "reset": 10}, "5,506 connects refused, 1,023 lost, "
         "178 wrong replies"),
        ({"server-full": 4}, {"server-full": 3}, "7 refused: server full"),
        ({"refused": 4}, {"closed": 3, "wrong": 2, "send-timeout": 1}, "4 connects refused, 3 lost, 2 wrong replies"),
        ({"from-the-future": 4, "generator-limit": 9}, {}, "4 from-the-future"),
    ],
)  # fmt: skip
def test_most_frequent_kinds(failed: dict[str, int], dropped: dict[str, int], text: str) -> None:
    assert failure_kinds.text(_document(failed, dropped)) == text


def test_each_name_of_a_failure_has_words() -> None:
    assert set(failure_kinds.CONNECTIONS) >= set(NAMES) - {"generator-limit"}
