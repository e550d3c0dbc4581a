"""Pure: the cause of a verdict that is not a pass, where the figures know it, with what to do about it.

Strategy: a table of small functions, CAUSES. Each looks at all that is known and returns a text with its remedy, or
nothing. The first one in the table that returns something is the cause; a new cause is one row.

The order follows the rules of judge.py, so that the cause explains the verdict and not only a figure: first what makes
any run unknown, then what broke the server, wrong replies, doubts about the generator, what the server refused or did
not do, and last a missed threshold by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rawsocket.verdict import remedies, threshold_words, words
from rawsocket.verdict.causes import generator, server
from rawsocket.verdict.judge import PASS
from rawsocket.verdict.observed import Facts
from rawsocket.verdict.remedies import Said


@dataclass(frozen=True)
class Cause:
    """Why a run did not pass: a name for programs, a sentence for people, and what to do, "" if that is not known."""

    name: str
    text: str
    remedy: str = ""


def cause(outcome: str, facts: Facts) -> Cause | None:
    """Return the cause of a verdict, None if the run passed or the figures don't know it."""
    if outcome == PASS:
        return None
    for name, function in CAUSES:
        if said := function(facts):
            text, remedy = said
            return Cause(name, text.rstrip("."), remedy.rstrip("."))
    return None


def _threshold(facts: Facts) -> Said:
    missed = [check for check in facts.checks if check.ok is False]
    return remedies.of_threshold(facts, missed[0]) if missed else None


def _ledger(facts: Facts) -> Said:
    if facts.unexplained:
        return words.sentence(facts.unexplained[0]), "Look at all rows of the ledger, in the report or in verdict.json."
    return (words.sentence(facts.ledger[0]), remedies.of_end(facts, "server")) if facts.ledger else None


def _unmeasured(facts: Facts) -> Said:
    if not (checks := [check for check in facts.checks if check.ok is None]):
        return None
    return f"{words.sentence(threshold_words.title(checks[0].name))} could not be measured", ""


#: The first that applies is the cause.
CAUSES: tuple[tuple[str, Callable[[Facts], Said]], ...] = (
    ("interrupted", generator.interrupted),
    ("task-died", generator.broken),
    ("scenario", generator.scenario),
    ("out-of-memory", generator.out_of_memory),
    ("no-workers", generator.no_workers),
    ("refused-setting", generator.refused_by_worker),
    ("worker-lost", generator.worker_lost),
    ("tutorial-1024", server.tutorial_wall),
    ("server-restarted", server.restarted),
    ("server-gone", server.gone),
    ("unreachable", server.unreachable),
    ("process-lost", server.process_lost),
    ("wrong-replies", server.wrong),
    ("generator-limit", generator.shortage),
    ("nothing-measured", generator.nothing_measured),
    ("too-short", generator.too_short),
    ("generator-saturated", generator.saturated),
    ("unknown-name", server.unknown_name),
    ("nothing-listening", server.nothing_listening),
    ("server-full", server.full),
    ("server-descriptors", server.descriptors),
    ("tls", server.tls),
    ("server-silent", server.silent),
    ("replies-overdue", server.overdue),
    ("silent-connections", server.silent_accept),
    ("feed-silent", server.feed_silent),
    ("failures", server.failures),
    ("level", remedies.level),
    ("threshold", _threshold),
    ("ledger", _ledger),
    ("not-measured", _unmeasured),
)
