from pathlib import Path

import pytest

from bench.load import echo_server, options, soak
from bench.load.contenders import CONTENDERS, SESSION
from bench.load.experiments import Bench
from bench.load.soak import Scale, flatness, ledger


def test_growth_is_the_last_fifth_against_the_first() -> None:
    found = flatness([1000, 1000, *[5000] * 6, 1010, 1010])
    assert (found["growth_pct"], found["first_kb"], found["last_kb"]) == (pytest.approx(1.0), 1000, 1010)
    assert flatness([1, 2, 3, 4])["growth_pct"] is None


def test_what_a_ledger_leaves_unexplained() -> None:
    assert ledger({}) == ledger({"ledger": None}) == {"reconciled": None, "unexplained": None}
    rows = [{"unexplained": 0}, {"unexplained": -2}, {"unexplained": 3}, {"unexplained": None}]
    assert ledger({"ledger": {"reconciled": False, "rows": rows}}) == {"reconciled": False, "unexplained": 5}


def test_a_scale_weighs_once_a_second_between_two_moments(capsys: pytest.CaptureFixture[str]) -> None:
    scale = Scale(lambda: 2048, 3.0, 100.0)
    for tenth in range(1100):
        scale.look(tenth / 10)
    assert scale.weights == [2048] * 97
    assert capsys.readouterr().err == "  ... soak: 1 min, the worker weighs 2.0 MB\n"


def test_a_short_soak_reconciles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "SETTLE_S", 0.0)
    bench = Bench(options.read({"CONNECTIONS": "10", "SOAK": "6s"}, {}), echo_server.program(), tmp_path)
    found = soak.soak(bench, CONTENDERS[SESSION], tmp_path / "turn")
    assert (found["reconciled"], found["unexplained"]) == (True, 0)
    assert found["messages"]["answered"] > 0
