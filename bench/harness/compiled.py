"""The programs of bench/peers/ that are in C: compiled into .lab/bench, again only when their source changes."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from lab.errors import LabError
from lab.settings import ROOT

PEERS = ROOT / "bench" / "peers"
FOLDER = ROOT / ".lab" / "bench"


def compiler() -> str | None:
    """Return the path of a C compiler, None if there is none."""
    return shutil.which("gcc") or shutil.which("cc")


def program(name: str, folder: Path = FOLDER) -> str:
    """Return the program of peers/NAME.c, "load/echo" for example; LabError if it can't be compiled."""
    source, gcc = PEERS / f"{name}.c", compiler()
    text = b"".join(file.read_bytes() for file in (source, *sorted(source.parent.glob("*.h"))))
    binary = folder / f"{source.stem}-{hashlib.sha256(text).hexdigest()[:12]}"
    if binary.exists():
        return str(binary)
    if gcc is None:
        raise LabError(
            f"{source.name} needs a C compiler (gcc, cc): install one (Debian: apt-get install gcc libc6-dev)"
        )
    _compile(gcc, source, binary)
    return str(binary)


def _compile(gcc: str, source: Path, binary: Path) -> None:
    binary.parent.mkdir(parents=True, exist_ok=True)
    part = binary.with_suffix(f".{os.getpid()}")
    command = [gcc, "-O2", "-o", str(part), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{' '.join(command)} ended with {done.returncode}", done.stderr)
    part.replace(binary)
