"""Rows of a CSV file for the users of a class: the user with number n has row n.

    class Member(SessionUser):
        account = CsvRows("accounts.csv")

        def session(self):
            yield Request(self.account["name"].encode(), name="login")

Rules:

- The first line has the names of the columns; a row is a dict of text. Lines without any text are left out.
- The file is read when a run starts, on the master and on each worker, so each needs it: what is beside the scenario is
  there. What is wrong with it, too few rows included, is one line before the run.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, Self, TextIO, overload


class RowsError(ValueError):
    """A file of rows that can't be used; one line that says where, and what to do."""


class Numbered(Protocol):
    """A user that knows its number."""

    @property
    def number(self) -> int:
        """The number of this user."""


class CsvRows:
    """The rows of a file; as an attribute of a user class, it is the row of the user.

    `file`: its path, relative to the folder of the file that has the class. `repeat`: if there are more users than
    rows, begin again with the first row; otherwise each row has at most one user.
    """

    def __init__(self, file: str, repeat: bool = False, encoding: str = "utf-8-sig", delimiter: str = ",") -> None:
        self.file = file
        self.repeat = repeat
        self._encoding = encoding
        self._delimiter = delimiter
        self._folder = Path()
        self._columns: list[str] = []
        self._rows: list[list[str]] = []
        self._read = False

    def __set_name__(self, owner: type, name: str) -> None:
        source = getattr(sys.modules.get(owner.__module__), "__file__", None)
        self._folder = Path(source).resolve().parent if source else Path()

    @overload
    def __get__(self, user: None, owner: type) -> Self: ...
    @overload
    def __get__(self, user: Numbered, owner: type) -> dict[str, str]: ...
    def __get__(self, user: Numbered | None, owner: type) -> Self | dict[str, str]:
        return self if user is None else self.row(user.number)

    def row(self, number: int) -> dict[str, str]:
        """Return the row of the user with this number. RowsError if there is none."""
        self.read()
        if number >= len(self._rows):
            if not self.repeat:
                raise RowsError(f"{self.file} has {len(self._rows)} rows, none for user number {number}")
            number %= len(self._rows)
        return dict(zip(self._columns, self._rows[number], strict=True))

    def check(self, users: int) -> None:
        """Check, before a run, that the file can be read and has enough rows. RowsError if not."""
        self._read = False  # it may have been changed since the last run
        self.read()
        if len(self._rows) < users and not self.repeat:
            raise RowsError(
                f"{self.file} has {len(self._rows)} rows, USERS is {users}: add rows, lower USERS, or repeat=True"
            )

    def read(self) -> None:
        """Read the file, unless it has been read. RowsError if it has a fault."""
        if self._read:
            return
        path = self._folder / self.file
        try:
            with path.open(encoding=self._encoding, newline="") as text:
                self._columns, self._rows = self._parse(text)
        except OSError as error:
            raise RowsError(f"{path}: {error.strerror}; CsvRows looks for it in the folder of the scenario") from None
        except UnicodeDecodeError:
            line, encoding = self._undecodable(path), self._encoding.removesuffix("-sig")
            raise RowsError(f"{self.file} line {line}: not {encoding}; give CsvRows the encoding") from None
        except LookupError as error:
            raise RowsError(f"CsvRows({self.file!r}): {error}") from None
        self._read = True

    def _parse(self, text: TextIO) -> tuple[list[str], list[list[str]]]:
        lines = self._lines(text)
        _, columns = next(lines, (1, []))
        columns = [name.strip() for name in columns]
        if "" in columns or len(set(columns)) < len(columns) or not columns:
            raise RowsError(f"{self.file} line 1: expected the names of the columns, each one once")
        rows = []
        for line, row in lines:
            if len(row) != len(columns):
                raise RowsError(f"{self.file} line {line}: {len(row)} values for {len(columns)} columns")
            rows.append(row)
        if not rows:
            raise RowsError(f"{self.file} has no rows: the names of the columns come first, then a line for each user")
        return columns, rows

    def _lines(self, text: TextIO) -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(text, delimiter=self._delimiter, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise RowsError(f"{self.file} line {line}: {error}") from None
            if any(row):
                yield line, row

    def _undecodable(self, path: Path) -> int:
        """Return the line of the first byte that the encoding can't read."""
        data = path.read_bytes()
        try:
            data.decode(self._encoding)
        except UnicodeDecodeError as error:
            return data[: error.start].count(b"\n") + 1
        return 1


def rows_of(user_class: type[Any]) -> dict[str, CsvRows]:
    """Return the files of rows of a user class by attribute, those of its bases included."""
    found = {name: value for base in reversed(user_class.__mro__) for name, value in vars(base).items()}
    return {name: value for name, value in found.items() if isinstance(value, CsvRows)}


def refusal(user_classes: list[type[Any]], users: int) -> str | None:
    """Return what is wrong with the files of rows for a run of so many users, or None."""
    try:
        for rows in [rows for user_class in user_classes for rows in rows_of(user_class).values()]:
            rows.check(users)
    except RowsError as error:
        return str(error)
    return None
