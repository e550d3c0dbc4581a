"""A run whose machine was too busy for it says nothing about the product: it is made again, and pytest warns of it.

A stall of a tenth of a second in a steady window of a few seconds turns every verdict but a certain failure into 'the
generator was saturated', exit code 4; so it must, by the product's own rules. A test of a run that is to end otherwise
is `@undisturbed`, and asks for the exit code by `demand`; one that is about the ledger or the artefacts alone takes
either code, with `or_doubted`.
"""

import functools
import re
import warnings
from collections.abc import Callable
from typing import Any

TRIES = 4  # at the worst, which only a machine that goes on being too busy comes to
UNKNOWN = 4
#: How the first reason of a verdict begins that only says that the machine was too busy: saturation.py.
MACHINE = re.compile(r"the generator was saturated on worker|worker \S+ reported too seldom in the steady window")
# In the master's table, and in the log of a stranger's Locust.
_FIRST_REASON = re.compile(r"verdict(?:: unknown \(exit code 4\)\n| unknown: ) *(.*)")


class Disturbed(AssertionError):
    """The machine kept the run from being judged."""


class TryNotCounted(UserWarning):
    """A run was Disturbed and is made again: the one warning that does not fail a test (pyproject.toml)."""


def doubted(verdict: dict[str, Any]) -> bool:
    """Whether a verdict.json, or the state's verdict, is unknown because of the machine."""
    return verdict["verdict"] == "unknown" and bool(MACHINE.match(verdict["reasons"][0]))


def demand(wanted: int, code: int, out: str, err: str = "", or_doubted: bool = False) -> None:
    """Demand an exit code of the run that printed `out`; Disturbed if only the machine stood in its way."""
    reason = _FIRST_REASON.search(out)
    if code == UNKNOWN != wanted and reason and MACHINE.match(reason[1]):
        if or_doubted:
            return
        raise Disturbed(f"{reason[1]}\n{out}{err}")
    assert code == wanted, out + err


def demand_pass(verdict: dict[str, Any]) -> None:
    """Demand a verdict of 'pass'; Disturbed if only the machine stood in its way."""
    if doubted(verdict):
        raise Disturbed("\n".join(verdict["reasons"]))
    assert verdict["verdict"] == "pass", verdict


def undisturbed(test: Callable[..., None]) -> Callable[..., None]:
    """Make a test again whose run was Disturbed, with a fresh `tmp_path`: `TRIES` times at most."""

    @functools.wraps(test)
    def tried(**fixtures: Any) -> None:
        for number in range(1, TRIES):
            try:
                return test(**_fresh(fixtures, number))
            except Disturbed as disturbed:
                reason = str(disturbed).partition("\n")[0]
                said = f"{test.__name__}, try {number} of {TRIES}, is not counted: {reason}"
                warnings.warn(said, TryNotCounted, stacklevel=2)
        return test(**_fresh(fixtures, TRIES))

    return tried


def _fresh(fixtures: dict[str, Any], number: int) -> dict[str, Any]:
    if "tmp_path" not in fixtures:
        return fixtures
    folder = fixtures["tmp_path"] / f"try-{number}"
    folder.mkdir()
    return {**fixtures, "tmp_path": folder}
