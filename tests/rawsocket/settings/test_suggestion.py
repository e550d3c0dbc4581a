"""What somebody may have meant."""

import re

import pytest

from rawsocket.settings.row import Setting, one_of
from rawsocket.settings.suggestion import MOST_NAMED, listed, suggestion


def test_suggestion() -> None:
    assert suggestion("--topik", ["--topic", "--token"]) == "; did you mean --topic?"
    assert suggestion("--colour", ["--topic"]) == ""


def test_long_list_is_cut() -> None:
    words = [f"word-{i}" for i in range(MOST_NAMED + 3)]
    assert listed(words[:2]) == "word-0, word-1"
    assert listed(words[:MOST_NAMED]).endswith(f"word-{MOST_NAMED - 1}")
    assert listed(words).endswith(f"word-{MOST_NAMED - 1} and 3 more")


def test_value_that_is_not_in_a_list_has_a_suggestion() -> None:
    row = Setting("scenario", one_of("hold", "churn"), "hold", "what users do", "why")
    for text, said in (("hodl", "hold, churn; did you mean hold? Set SCENARIO"), ("x", "hold, churn. Set SCENARIO")):
        with pytest.raises(ValueError, match=f"^SCENARIO='{text}' is not valid: expected one of {re.escape(said)}"):
            row.parse(text)
