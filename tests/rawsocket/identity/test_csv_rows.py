import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from rawsocket.identity import csv_rows
from rawsocket.identity.csv_rows import CsvRows, RowsError
from tests.support.locust_fleet import DEADLINE, environment, locust_fleet
from tests.support.server_process import running_server


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a module whose file is in tmp_path."""
    module = ModuleType("a_scenario")
    module.__file__ = str(tmp_path / "a_scenario.py")
    monkeypatch.setitem(sys.modules, "a_scenario", module)
    return "a_scenario"


def user(module: str, rows: CsvRows, number: int = 0) -> Any:
    return type("Member", (), {"account": rows, "__module__": module, "number": number})()


def test_each_user_has_the_row_of_its_number(tmp_path: Path, module: str) -> None:
    (tmp_path / "a.csv").write_text('name,password\nann,"a,b"\n\nbob,\n')
    rows = CsvRows("a.csv")
    assert user(module, rows, 0).account == {"name": "ann", "password": "a,b"}
    assert user(module, rows, 1).account == {"name": "bob", "password": ""}
    with pytest.raises(RowsError, match=r"^a\.csv has 2 rows, none for user number 2$"):
        _ = user(module, rows, 2).account


def test_rows_repeat_if_asked(tmp_path: Path, module: str) -> None:
    (tmp_path / "a.csv").write_text("name\nann\nbob\n")
    rows = CsvRows("a.csv", repeat=True)
    assert user(module, rows, 5).account == {"name": "bob"}
    assert csv_rows.refusal([type(user(module, rows))], 800) is None


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8-sig", b"\xef\xbb\xbf"), ("utf-8-sig", b""), ("latin-1", b"")])
def test_encodings(tmp_path: Path, module: str, encoding: str, mark: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(mark + "name;city\r\nJosé;Köln\r\n".encode(encoding.removesuffix("-sig")))
    rows = CsvRows("a.csv", encoding=encoding, delimiter=";")
    assert user(module, rows).account == {"name": "José", "city": "Köln"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name\nann\nbob\n", "a.csv has 2 rows, USERS is 3: add rows, lower USERS, or repeat=True"),
        (b"name,city\nann,x\n\nbob\n", "a.csv line 4: 1 values for 2 columns"),
        (b'name\nann\n"bob\n', "a.csv line 3: unexpected end of data"),
        (b"name,name\nann,x\n", "a.csv line 1: expected the names of the columns, each one once"),
        (b"", "a.csv line 1: expected the names of the columns, each one once"),
        (b"name\n", "a.csv has no rows: the names of the columns come first, then a line for each user"),
        (b"name\nann\nJos\xe9\n", "a.csv line 3: not utf-8; give CsvRows the encoding"),
    ],
)
def test_a_fault_of_the_file_is_one_line_with_its_place(tmp_path: Path, module: str, content: bytes, said: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    assert csv_rows.refusal([type(user(module, CsvRows("a.csv")))], 3) == said


def test_a_missing_file_is_one_line_with_its_path(tmp_path: Path, module: str) -> None:
    said = f"{tmp_path / 'b.csv'}: No such file or directory; CsvRows looks for it in the folder of the scenario"
    assert csv_rows.refusal([type(user(module, CsvRows("b.csv")))], 3) == said


def test_an_unknown_encoding_is_one_line(tmp_path: Path, module: str) -> None:
    (tmp_path / "a.csv").write_text("name\nann\n")
    rows = CsvRows("a.csv", encoding="utf-9")
    assert csv_rows.refusal([type(user(module, rows))], 1) == "CsvRows('a.csv'): unknown encoding: utf-9"


def test_a_file_is_read_again_before_the_next_run(tmp_path: Path, module: str) -> None:
    (tmp_path / "a.csv").write_text("name\nann\n")
    member = user(module, CsvRows("a.csv"))
    assert csv_rows.refusal([type(member)], 1) is None
    (tmp_path / "a.csv").write_text("name\nbob\n")
    assert csv_rows.refusal([type(member)], 1) is None
    assert member.account == {"name": "bob"}


def test_files_of_base_classes_are_found(module: str) -> None:
    rows, other = CsvRows("a.csv"), CsvRows("b.csv")
    base = type(user(module, rows))
    assert csv_rows.rows_of(type("Sub", (base,), {"__module__": module})) == {"account": rows}
    assert csv_rows.rows_of(type("Sub", (base,), {"__module__": module, "account": other})) == {"account": other}
    assert base.account is rows
    assert csv_rows.rows_of(SimpleNamespace) == {}


SCENARIO = """
from rawsocket import Connect, CsvRows, Due, Line, Request, SessionUser


class Member(SessionUser):
    framing = Line()
    account = CsvRows("accounts.csv")

    def session(self):
        yield Connect()
        while True:
            yield Due(0.2)
            yield Request(self.account["name"].encode(), name=self.account["name"])
"""
NAMES = [f"name-{number}" for number in range(5)]


def scenario(folder: Path) -> None:
    (folder / "locustfiles").mkdir()
    (folder / "locustfiles/mine.py").write_text(SCENARIO)
    (folder / "locustfiles/accounts.csv").write_text("\n".join(["name", *NAMES]))


def test_each_user_of_a_run_has_a_row_of_its_own(tmp_path: Path) -> None:
    scenario(tmp_path)
    with (
        running_server("--app", "echo") as server,
        locust_fleet(tmp_path, server, cwd=tmp_path, SCENARIO="mine", USERS=5) as fleet,
    ):
        fleet.wait(lambda state: len(state["workers"]) == 2)
        assert fleet.page.swarm(users=6, rate=6)["message"] == (
            "accounts.csv has 5 rows, USERS is 6: add rows, lower USERS, or repeat=True"
        )
        fleet.page.swarm(users=5, rate=5)
        fleet.wait(lambda state: state["held"] == 5)
        fleet.wait(lambda _: all(f'"{name}"' in fleet.page.text("/stats/requests") for name in NAMES))
        fleet.page.post("/stop")
        fleet.wait(lambda state: state["verdict"])
        verdict = fleet.verdict()
    assert verdict["connections"]["failed"] == verdict["connections"]["dropped"] == {}


def test_too_few_rows_end_a_run_before_it_starts(tmp_path: Path) -> None:
    scenario(tmp_path)
    with running_server("--app", "echo") as server:
        settings = {"HEADLESS": "true", "USERS": 6, "TIME": "9s", "SCENARIO": "mine"}
        with locust_fleet(tmp_path, server, cwd=tmp_path, **settings) as fleet:
            assert fleet.exit_code() == 2
            said = fleet.err().splitlines()
        assert server.metrics()["accepted_total"] == 0
    assert "accounts.csv has 5 rows, USERS is 6: add rows, lower USERS, or repeat=True" in said


def test_plain_locust_starts_no_user_with_too_few_rows(tmp_path: Path) -> None:
    scenario(tmp_path)
    with running_server("--app", "echo") as server:
        host = f"tcp://127.0.0.1:{server.port}"
        command = ["-f", "locustfiles/mine.py", "--headless", "-u", "6", "-r", "6", "-t", "2s", "--host", host]
        done = subprocess.run(
            [sys.executable, "-m", "locust", *command], cwd=tmp_path, env=environment(), capture_output=True, text=True,
            timeout=DEADLINE, check=False,
        )  # fmt: skip
        assert server.metrics()["accepted_total"] == 0
    assert done.returncode != 0
    assert "accounts.csv has 5 rows, USERS is 6: add rows, lower USERS, or repeat=True" in done.stdout + done.stderr
