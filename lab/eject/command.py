"""`lab eject NAME [FILE]`: writes the session of a conversation, and says what to do next."""

import csv
import io
from pathlib import Path

from lab import folders
from lab.eject.module import module
from lab.errors import EXIT_OK, UsageError, writing
from lab.inputs import conversation
from lab.progress import result, say


def run(name: str, file: str = "") -> int:
    """Write the session of the conversation `name` to `file`, by default locustfiles/NAME.py; give the exit code.

    Raises UsageError if there is no such conversation, for a mistake in it, and if a file is there already.
    """
    found = conversation.named(name)
    if found is None:
        raise UsageError(
            f"{name} is no conversation; expected the name of a file of conversations/, or a path that ends in .yaml; "
            "correct the name"
        )
    path = Path(file).expanduser() if file else folders.work() / f"locustfiles/{found.plan.name}.py"
    if path.suffix != ".py":
        raise UsageError(f"{path}: expected a path that ends in .py; correct it")
    data = path.with_suffix(".csv") if found.plan.data else None
    for each in filter(None, (path, data)):
        if each.exists():
            raise UsageError(
                f"{folders.shown(each.absolute())} exists; expected a new file; remove it, or name another"
            )
    settings = {name: _shown(text) for name, text in found.settings.items()}
    text = module(found.plan, settings, path.stem, data.name if data else "")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if data and found.plan.data:
            data.write_text(_csv([found.plan.data.columns, *found.plan.data.rows]), newline="")
    result(f"Written: {folders.shown(path.absolute())}")
    if not file:
        say(f"SCENARIO={found.plan.name} would now name two things: remove or rename {found.plan.file}")
    return EXIT_OK


def _shown(text: str) -> str:
    """Return the text of a setting, a path relative to the user's folder."""
    return folders.shown(Path(text)) if text.startswith("/") else text


def _csv(rows: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
