import pytest

from lab.drills.namespace import newcomers
from tests.support.namespaces import namespace


@pytest.mark.parametrize(
    ("linear", "expected"),
    [(0, [0, 1, 3, 7, 15]), (1, [0, 1, 2, 4, 8, 16]), (4, [0, 1, 2, 3, 4, 5, 7, 11, 19])],
)
def test_first_packets_are_repeated_at_fixed_times(linear: int, expected: list[float]) -> None:
    assert newcomers.steps(linear, 20) == expected


def test_newcomers_connect_to_the_listener_and_are_refused_elsewhere() -> None:
    with namespace() as here, here.helper() as helper:
        port = newcomers.listen(helper)
        times = newcomers.connect(helper, "127.0.0.1", port, 20, 10)
        assert all(isinstance(one, float) for one in times)
        assert newcomers.connect(helper, "127.0.0.1", 1, 3, 10) == [newcomers.REFUSED] * 3
        assert newcomers.linear_timeouts(helper) >= 0
