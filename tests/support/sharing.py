"""A pytest plugin of tests/run.py: several processes run one part, each test in the process that claims it first.

pytest-xdist can't: its worker waits for work on a lock, and importing Locust has patched that lock by then.
The files with the longest tests come first (`LONGEST`), so that the processes of a part end at about the same time.
Each process also appends the outcome of each of its tests to one file, from which run.py takes progress and totals.
"""

import gc
import hashlib
import os
from collections.abc import Generator
from pathlib import Path

import pytest

#: The files whose longest test takes 10 s or more, the longest first.
LONGEST = (
    "tests/containers/test_network_drills.py",
    "tests/containers/test_ci.py",
    "tests/containers/test_own_scenario.py",
    "tests/containers/test_processes.py",
    "tests/containers/test_installed.py",
    "tests/containers/test_user_server.py",
    "tests/containers/test_lab.py",
    "tests/containers/test_models.py",
    "tests/rawsocket/test_headless.py",
    "tests/rawsocket/test_headless_scenarios.py",
    "tests/rawsocket/master/test_ledger_of_runs.py",
    "tests/rawsocket/verdict/test_saturation.py",
    "tests/rawsocket/identity/test_user_numbers_distributed.py",
    "tests/rawsocket/master/page/test_tab.py",
    "tests/rawsocket/test_sessions_distributed.py",
    "tests/rawsocket/verdict/test_ledger.py",
    "tests/rawsocket/test_attach.py",
    "tests/lab/drills/processes/test_worker_frozen.py",
    "tests/bench/load/test_command.py",
    "tests/lab/drills/processes/test_worker_killed.py",
    "tests/lab/engines/test_contract.py",
    "tests/lab/drills/processes/test_processes_rolling.py",
    "tests/lab/drills/processes/test_server_frozen.py",
    "tests/lab/drills/processes/test_server_killed.py",
    "tests/lab/drills/processes/test_process_killed.py",
    "tests/lab/drills/processes/test_reconnect_herd.py",
    "tests/bench/peers/load/test_sessions.py",
    "tests/bench/load/features/test_experiments.py",
    "tests/lab/engines/native/test_engine.py",
    "tests/lab/engines/native/test_conversation.py",
    "tests/lab/drills/test_killed_lab.py",
    "tests/bench/load/test_experiments.py",
    "tests/holdfast/test_main.py",
    "tests/bench/load/test_soak.py",
    "tests/server/models/test_contract_bounds.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--share", type=Path, help="the folder that the processes of one part share")


def pytest_configure(config: pytest.Config) -> None:
    if folder := config.getoption("--share"):
        config.pluginmanager.register(Sharing(config, folder))


class Sharing:
    """The part of this process: the tests that it has claimed, and their outcomes."""

    def __init__(self, config: pytest.Config, folder: Path) -> None:
        self.config = config
        self.folder = folder
        self.claims = folder / "claims"
        self.claims.mkdir(exist_ok=True)
        self.claimed: dict[str, bool] = {}
        self.outcomes = os.open(folder / "outcomes", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Like pytest's loop, but only for the tests of this process: it claims the next one while one runs."""
        if session.testsfailed:
            raise session.Interrupted(f"{session.testsfailed} errors during collection")
        gc.collect()
        gc.freeze()  # what was collected stays to the end: to look through it again and again took a tenth of the CPU
        ours = (item for item in sorted(session.items, key=lambda item: place(item.nodeid)) if self._ours(item))
        item = next(ours, None)
        while item is not None:
            following = next(ours, None)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
            item = following
        return True

    def _ours(self, item: pytest.Item) -> bool:
        unit = _unit(item)
        if unit not in self.claimed:
            try:
                (self.claims / hashlib.sha256(unit.encode()).hexdigest()).touch(exist_ok=False)
                self.claimed[unit] = True
            except FileExistsError:
                self.claimed[unit] = False
        return self.claimed[unit]

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Report to run.py the files whose tests have to run alone."""
        if files := {str(item.path) for item in items if item.get_closest_marker("alone")}:
            (self.folder / "alone").write_text("\n".join(sorted(files)))

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, tuple[str, object, object], tuple[str, str, str]]:
        """Print no letter for each test: run.py shows the progress of all."""
        category, _, _ = yield
        return category, "", ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Report to run.py what to run again: a test, or the file of one that shares a fixture."""
        report = yield
        if report.failed:
            with (self.folder / "failures").open("a") as file:
                test = item.nodeid.partition("::")[2] if _unit(item) == item.nodeid else ""
                file.write(f"{item.path}{'::' if test else ''}{test}\n")
        return report

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


def place(test: str) -> int:
    """Return the place of a test's file in `LONGEST`; tests of other files come after those, in their own order."""
    file = test.partition("::")[0]
    return LONGEST.index(file) if file in LONGEST else len(LONGEST)


def _unit(item: pytest.Item) -> str:
    """Return the unit to claim: a test, or all tests of a file and server model that share a fixture."""
    assert isinstance(item, pytest.Function)
    definitions = item._fixtureinfo.name2fixturedefs.values()
    if any(definition.scope in ("module", "class") for several in definitions for definition in several):
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        return f"{item.path} {parameters.get('model', '')}"
    return item.nodeid
