"""The programs of bench/peers/ that are in C: compiled once for each text of their source, into .lab/bench."""

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
    """Give the C compiler, None if there is none."""
    return shutil.which("gcc") or shutil.which("cc")


def program(name: str, folder: Path = FOLDER) -> str:
    """Give the program of peers/NAME.c, "load/echo" for instance; LabError where it can't be compiled."""
    source, gcc = PEERS / f"{name}.c", compiler()
    binary = folder / f"{source.stem}-{hashlib.sha256(source.read_bytes()).hexdigest()[:12]}"
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
