from pathlib import Path

import pytest

from bench import settings
from bench.load import echo_server, soak
from bench.load.contenders import CONTENDERS, SESSION
from bench.load.experiments import LoadBench
from bench.load.soak import Sampler, growth, ledger


def test_growth_compares_the_last_fifth_with_the_first() -> None:
    found = growth([1000, 1000, *[5000] * 6, 1010, 1010])
    assert (found["growth_pct"], found["first_kb"], found["last_kb"]) == (pytest.approx(1.0), 1000, 1010)
    assert growth([1, 2, 3, 4])["growth_pct"] is None


def test_unexplained_rows_of_a_ledger_are_counted() -> None:
    assert ledger({}) == ledger({"ledger": None}) == {"reconciled": None, "unexplained": None}
    rows = [{"unexplained": 0}, {"unexplained": -2}, {"unexplained": 3}, {"unexplained": None}]
    assert ledger({"ledger": {"reconciled": False, "rows": rows}}) == {"reconciled": False, "unexplained": 5}


def test_process_is_sampled_once_a_second_within_its_window(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soak.procfs, "rss_kb", lambda pid: 2048)
    monkeypatch.setattr(soak.procfs, "descriptors", lambda pid: 1010)
    sampler = Sampler("worker", 7, 3.0, 100.0)
    for tenth in range(1100):
        sampler.sample(tenth / 10)
    assert sampler.samples_kb == [2048] * 97
    assert sampler.descriptors == {1010}
    assert capsys.readouterr().err == "  ... soak: 1 min, the worker has 2.0 MB, 1,010 descriptors\n"


def test_short_soak_is_reconciled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "SETTLE_S", 0.0)
    bench = LoadBench(settings.read_load({"CONNECTIONS": "10", "SOAK": "6s"}, {}), echo_server.program(), tmp_path)
    found = soak.soak(bench, CONTENDERS[SESSION], tmp_path / "trial")
    assert (found["reconciled"], found["unexplained"]) == (True, 0)
    assert found["messages"]["answered"] > 0
    assert {name: most >= 10 for name, (_, most) in found["descriptors"].items()} == {"worker": True, "server": True}
