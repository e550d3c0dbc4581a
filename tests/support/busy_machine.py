"""A run on a machine that is too busy says nothing about the product: its test is retried, with a warning from pytest.

A stall of a tenth of a second in a steady window of a few seconds turns each verdict except a certain failure into 'the
generator was saturated', exit code 4, as the product's rules require. So the runs of the tests have a high MAX_LAG_MS.
A machine can be busier still: a test that expects another exit code has `@retry_on_busy_machine` and checks the code by
`demand`; a test of only the ledger or the artefacts accepts either code, with `or_doubted`.
"""

import functools
import json
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

TRIES = 4  # at most; only a machine that stays too busy needs them all
UNKNOWN = 4
#: A setting of the runs whose tests are not about lag.
TOLERANT = {"MAX_LAG_MS": "500"}
BUSY_LAG_MS = 25.0  # of a worker, p99; some 5 ms where nothing else runs
#: The start of a first reason that only means that the machine was too busy: saturation.py.
MACHINE = re.compile(r"the generator was saturated on worker|worker \S+ reported too seldom in the steady window")
# In the short result, where a cause and its remedy may come before it, and in the log of plain Locust.
_FIRST_REASON = re.compile(r"(?:UNKNOWN (?:.*? Try: .*? - )?|verdict unknown: )(.{,200})")
_RESULT = re.compile(r'^{"result": .*', re.M)


class MachineTooBusy(AssertionError):
    """The machine was too busy to judge the run."""


class AttemptNotCounted(UserWarning):
    """The machine was too busy and the test is retried: the only warning that does not fail a test (pyproject.toml)."""


def doubted(verdict: dict[str, Any]) -> bool:
    """Whether a verdict.json, or the verdict of the state, is unknown only because of the machine."""
    return verdict["verdict"] == "unknown" and bool(MACHINE.match(verdict["reasons"][0]))


def demand(
    wanted: int, code: int, out: str, err: str = "", or_doubted: bool = False, verdict: dict[str, Any] | None = None
) -> None:
    """Demand an exit code of the run that printed `out`; raise MachineTooBusy if the machine may have prevented it.

    With `verdict`, its verdict.json, any other code counts as the machine's work where the workers were kept waiting.
    """
    reason = _first_reason(out)
    if code == UNKNOWN != wanted and MACHINE.match(reason):
        if or_doubted:
            return
        raise MachineTooBusy(f"{reason}\n{out}{err}")
    with retried_if_busy(verdict) if verdict else nullcontext():
        assert code == wanted, out + err


def _first_reason(out: str) -> str:
    """Return the beginning of the first reason of an unknown verdict, "" if there is none; it may be wrapped."""
    if found := _RESULT.search(out):
        document = json.loads(found[0])["result"]
        return str(document["reasons"][0]) if document["verdict"] == "unknown" else ""
    reason = _FIRST_REASON.search(" ".join(out.split()))
    return reason[1] if reason else ""


def demand_pass(verdict: dict[str, Any]) -> None:
    """Demand a verdict of 'pass'; raise MachineTooBusy if only the machine prevented it."""
    if doubted(verdict):
        raise MachineTooBusy("\n".join(verdict["reasons"]))
    assert verdict["verdict"] == "pass", verdict


def is_busy(verdict: dict[str, Any]) -> bool:
    """Whether the workers of a run were kept from running, as its verdict.json says."""
    lags = [worker["lag_p99_ms"] for worker in verdict["generator"]["workers"]]
    return doubted(verdict) or any(lag is None or lag > BUSY_LAG_MS for lag in lags)


@contextmanager
def retried_if_busy(verdict: dict[str, Any]) -> Iterator[None]:
    """Raise MachineTooBusy where the block finds something wrong and the run's workers were kept from running."""
    try:
        yield
    except AssertionError as error:
        if is_busy(verdict):
            raise MachineTooBusy(f"the workers were kept from running: {error}") from error
        raise


def retry_on_busy_machine(test: Callable[..., None]) -> Callable[..., None]:
    """Retry a test that raises MachineTooBusy, with a new `tmp_path`: `TRIES` attempts at most."""

    @functools.wraps(test)
    def tried(**fixtures: Any) -> None:
        for number in range(1, TRIES):
            try:
                return test(**_fresh(fixtures, number))
            except MachineTooBusy as error:
                reason = str(error).partition("\n")[0]
                said = f"{test.__name__}, try {number} of {TRIES}, is not counted: {reason}"
                warnings.warn(said, AttemptNotCounted, stacklevel=2)
        return test(**_fresh(fixtures, TRIES))

    return tried


def _fresh(fixtures: dict[str, Any], number: int) -> dict[str, Any]:
    if "tmp_path" not in fixtures:
        return fixtures
    folder = fixtures["tmp_path"] / f"try-{number}"
    folder.mkdir()
    return {**fixtures, "tmp_path": folder}
