"""`new DIR`: writes what a load test of one's own begins with. A file that is there already is kept."""

import shlex
from pathlib import Path

from lab import folders
from lab.conversation import schema
from lab.errors import EXIT_OK, UsageError, writing
from lab.progress import result

FILES = Path(__file__).parent / "files"
#: Our file -> its place in the folder. A `.txt` keeps a Python file from being one of ours.
PLACES = {
    "hello.yaml": "conversations/hello.yaml",
    "hello_python.py.txt": "locustfiles/hello_python.py",
    "load.yml": ".github/workflows/load.yml",
    "README.md": "README.md",
    "gitignore": ".gitignore",
}
#: Where editors find what a conversation may have.
SCHEMA = "conversations/conversation.schema.json"
VERSION = "INSTALLED_VERSION"  # in our files, where the installed version is written


def run(name: str, version: str) -> int:
    """Write the files into the folder, say which, and give the exit code. Raises UsageError for what can't be one."""
    if not name.strip():
        raise UsageError("the name of the folder is empty: name one, as in `holdfast new load-tests`")
    target = Path(name).expanduser().absolute()
    if target.exists() and not target.is_dir():
        raise UsageError(f"{name} is a file: name a folder, which is made if it is not there")
    if (folders.ASSETS / "Makefile").exists() and target.resolve().is_relative_to(folders.ASSETS):
        raise UsageError(f"{name} is in the clone of Holdfast, where the lab works in the clone: name another folder")
    for ours, place in PLACES.items():
        result(_write(target / place, (FILES / ours).read_text().replace(VERSION, version)))
    result(_write(target / SCHEMA, schema.text()))
    enter = "" if target.resolve() == Path.cwd() else f"cd {shlex.quote(name)} && "
    result(f"Next: {enter}holdfast load SCENARIO=hello USERS=10 TIME=10s")
    return EXIT_OK


def _write(file: Path, content: str) -> str:
    """Write a file that is not there, and say what was done."""
    if file.exists():
        return f"kept  {file} (it is there already)"
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return f"wrote {file}"
