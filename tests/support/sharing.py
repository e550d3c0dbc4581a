"""A pytest plugin of tests/run.py: several processes run one part's files, each in the process that claims it first.

(In the contract suite, whose tests come once for each server model, what is claimed is the tests of one model.)

pytest-xdist can't: its worker waits for work on a lock, and importing Locust has patched that lock by then.
Each process also appends the outcome of each of its tests to one file, from which run.py takes progress and totals.
"""

import os
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--share", type=Path, help="the folder that the processes of one part share")


def pytest_configure(config: pytest.Config) -> None:
    if folder := config.getoption("--share"):
        config.pluginmanager.register(Sharing(config, folder))


class Sharing:
    """This process's side of it: which files it has claimed, and what came of its tests."""

    def __init__(self, config: pytest.Config, folder: Path) -> None:
        self.config = config
        self.claims = folder / "claims"
        self.claims.mkdir(exist_ok=True)
        self.claimed: dict[str, bool] = {}
        self.outcomes = os.open(folder / "outcomes", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """True ends it here: another process runs this test."""
        return None if self._ours(_unit(item)) else True

    def _ours(self, unit: str) -> bool:
        if unit not in self.claimed:
            try:
                (self.claims / unit).touch(exist_ok=False)
                self.claimed[unit] = True
            except FileExistsError:
                self.claimed[unit] = False
        return self.claimed[unit]

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self, report: pytest.CollectReport | pytest.TestReport):
        """No letter for each test: run.py shows the progress of all."""
        category, _, _ = yield
        return category, "", ""

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        category = self.config.hook.pytest_report_teststatus(report=report, config=self.config)[0]
        if category:
            self._write(category)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._write("error")

    def pytest_warning_recorded(self) -> None:
        self._write("warnings")

    def _write(self, category: str) -> None:
        os.write(self.outcomes, f"{category}\n".encode())


def _unit(item: pytest.Item) -> str:
    """Name what is claimed as a whole, because its tests share fixtures; usable as the name of a file."""
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return f"{item.nodeid.partition('::')[0]} {parameters.get('model', '')}".replace("/", "-")
