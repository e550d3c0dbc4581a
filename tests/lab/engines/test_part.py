import pytest

from tests.support.fake_engine import FakePart


@pytest.mark.parametrize(("code", "failed", "refused"), [(None, False, False), (0, True, False), (2, True, True)])
def test_an_exit_code_tells_a_failure_and_a_refused_setting(code: int | None, failed: bool, refused: bool) -> None:
    part = FakePart("worker", code)
    assert (part.has_failed(), part.refused_a_setting()) == (failed, refused)


def test_a_part_without_a_state_of_its_own_needs_no_refresh() -> None:
    part = FakePart("worker")
    part.refresh()
    assert part.exit_code() is None
