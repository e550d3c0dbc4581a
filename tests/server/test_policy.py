"""The rules for all connections fit together."""

from server.policy import HIGH_MARK, LINGER_SECONDS, LINGER_SILENCE, LOW_MARK, NEVER


def test_reading_resumes_well_below_the_mark_that_paused_it() -> None:
    assert 0 < LOW_MARK <= HIGH_MARK / 2


def test_lingering_ends_with_silence_before_it_ends_anyway() -> None:
    assert 0 < LINGER_SILENCE < LINGER_SECONDS < NEVER
