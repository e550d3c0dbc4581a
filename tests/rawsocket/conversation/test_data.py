import pytest

from rawsocket.conversation.data import PlanRows
from rawsocket.conversation.plan import Data
from rawsocket.identity.csv_rows import RowsError, refusal

DATA = Data(("name", "secret"), (("ann", "1"), ("bob", "é")))


def test_user_has_the_row_of_its_number() -> None:
    rows = PlanRows(DATA, "conversations/a.yaml")
    assert rows.values(1) == (b"bob", "é".encode())
    with pytest.raises(RowsError, match="`data` has 2 rows, none for user number 2"):
        rows.values(2)
    assert PlanRows(Data(DATA.columns, DATA.rows, repeat=True), "a.yaml").values(4) == (b"ann", b"1")


def test_too_few_rows_are_told_before_the_run() -> None:
    class User:
        rows = PlanRows(DATA, "conversations/a.yaml")

    assert refusal([User], 2) is None
    said = refusal([User], 3)
    assert said is not None
    assert said.startswith(
        "conversations/a.yaml: `data` has 2 rows, USERS is 3: add rows, lower USERS, or write `repeat"
    )
    User.rows = PlanRows(Data(DATA.columns, DATA.rows, repeat=True), "a.yaml")
    assert refusal([User], 3) is None
