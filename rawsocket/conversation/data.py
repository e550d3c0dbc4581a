"""The rows of a conversation's users, which are in the plan: the user with number n has row n."""

from rawsocket.conversation.plan import Data
from rawsocket.identity.csv_rows import CsvRows, RowsError


class PlanRows(CsvRows):
    """The rows of a plan's data. As an attribute of a user class they are checked before a run, as those of a file."""

    def __init__(self, data: Data, file: str) -> None:
        super().__init__(file, data.repeat)
        self._columns = list(data.columns)
        self._rows = [list(row) for row in data.rows]
        self._bytes = [tuple(text.encode() for text in row) for row in data.rows]

    def read(self) -> None:
        """Do nothing: they were read when the plan was made."""

    def check(self, users: int) -> None:
        """Check, before a run, that there are enough rows. RowsError if not."""
        if len(self._bytes) < users and not self.repeat:
            raise RowsError(
                f"{self.file}: `data` has {len(self._bytes)} rows, USERS is {users}: "
                "add rows, lower USERS, or write `repeat: yes` below `data`"
            )

    def values(self, number: int) -> tuple[bytes, ...]:
        """Return the row of the user with this number as bytes. RowsError if there is none."""
        if self.repeat:
            number %= len(self._bytes)
        elif number >= len(self._bytes):
            raise RowsError(f"{self.file}: `data` has {len(self._bytes)} rows, none for user number {number}")
        return self._bytes[number]
