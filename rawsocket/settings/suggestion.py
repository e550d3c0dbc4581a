"""Pure: what somebody may have meant who typed a word that does not exist."""

import difflib
from collections.abc import Iterable, Sequence

# A list that is longer fills the terminal, and hides the sentence that it is part of.
MOST_NAMED = 12


def suggestion(word: str, words: Iterable[str]) -> str:
    """Return "; did you mean ...?" for a word that is close to one of the words, else ""."""
    close = difflib.get_close_matches(word, list(words), 1)
    return f"; did you mean {close[0]}?" if close else ""


def listed(words: Sequence[str]) -> str:
    """Return the words with commas; of a long list the first ones, and how many more there are."""
    if len(words) <= MOST_NAMED:
        return ", ".join(words)
    return f"{', '.join(words[:MOST_NAMED])} and {len(words) - MOST_NAMED} more"
