"""The files of a recording: the conversation, its CSV file, and the bytes below .lab/, which `--again` compares with.

A conversation that was edited since it was recorded is never overwritten: its hash is kept beside the bytes. Secrets
are stars there, unless `--keep-secrets` was given.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from lab import folders
from lab.errors import UsageError, writing
from lab.recording.traffic import Traffic

NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)*")


@dataclass(frozen=True)
class Files:
    """Where the files of one conversation are."""

    name: str

    @property
    def conversation(self) -> Path:
        """The conversation."""
        return folders.work() / "conversations" / f"{self.name}.yaml"

    @property
    def columns(self) -> Path:
        """The values of users."""
        return self.conversation.with_suffix(".csv")

    @property
    def traffic(self) -> Path:
        """What was recorded."""
        return folders.work() / ".lab" / "recordings" / f"{self.name}.json"

    def check(self, replace: bool, again: bool) -> None:
        """Raise UsageError if the name can't be one, or a file would be lost."""
        if not NAME.fullmatch(self.name):
            raise UsageError(f"{self.name}: a name has letters, digits, -, _ and ., as in redis or mine/redis")
        shown = folders.shown(self.conversation)
        if again and not self.traffic.is_file():
            raise UsageError(f"--again: there is no recording of {self.name} yet; record it without --again first")
        if not self.conversation.exists() or replace or (again and self._unchanged()):
            return
        if again:
            raise UsageError(f"{shown} was edited since it was recorded: rename it, or add --replace to overwrite it")
        raise UsageError(
            f"{shown} is there already: choose another name, or add --replace to overwrite it, or --again to compare "
            "this recording with the one before"
        )

    def read(self) -> Traffic:
        """Return what was recorded before. Raises UsageError if the file is damaged."""
        try:
            return Traffic.from_json(self.traffic.read_text())
        except (OSError, ValueError, KeyError, TypeError) as error:
            shown = folders.shown(self.traffic)
            raise UsageError(f"{shown} can't be read ({error}): record {self.name} again, without --again") from None

    def write(self, text: str, columns: list[str], traffic: Traffic) -> list[str]:
        """Write all files, and say which."""
        said = []
        for path, content in ((self.conversation, text), (self.traffic, self._stored(text, traffic))):
            with writing(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
        self.traffic.chmod(0o600)
        said.append(f"wrote {folders.shown(self.conversation)}")
        if columns:
            said.append(self._write_columns(columns))
        return said

    def _write_columns(self, columns: list[str]) -> str:
        header, shown = ",".join(columns), folders.shown(self.columns)
        if self.columns.exists():
            return f"kept {shown}, which is there already; its columns must be {header}"
        with writing(self.columns):
            self.columns.write_text(header + "\n")
        return f"wrote {shown} with the line {header}: add a line for each user, no secret was written"

    def _stored(self, text: str, traffic: Traffic) -> str:
        return json.dumps({**json.loads(traffic.to_json()), "written": _hash(text)})

    def _unchanged(self) -> bool:
        """Whether the conversation is as it was written."""
        try:
            written = json.loads(self.traffic.read_text()).get("written")
            return bool(written == _hash(self.conversation.read_text()))
        except (OSError, ValueError):
            return False


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
