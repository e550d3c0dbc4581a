import pytest

from lab.errors import LabError
from lab.waiting import wait_for


def test_a_wait_returns_once_its_subject_is_ready() -> None:
    answers = iter([False, False, True])
    wait_for("the page", lambda: next(answers), timeout=30, interval=0)
    assert list(answers) == []


def test_a_wait_fails_at_once_with_evidence_if_its_subject_died() -> None:
    with pytest.raises(LabError, match=r"^the page: master ended with 1$") as error:
        wait_for("the page", lambda: False, 3600, lambda: "master ended with 1", lambda: "Traceback\nKeyError: 1")
    assert error.value.evidence == "Traceback\nKeyError: 1"


def test_ready_is_asked_before_died() -> None:
    wait_for("the page", lambda: True, 30, died=lambda: "dead")


def test_a_wait_that_times_out_names_its_subject_and_shows_the_evidence() -> None:
    with pytest.raises(LabError, match=r"^the page: not ready within 0 s$") as error:
        wait_for("the page", lambda: False, timeout=0.01, evidence=lambda: "still starting", interval=0)
    assert error.value.evidence == "still starting"
