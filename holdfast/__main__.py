"""The command `holdfast`: what `python -m lab` is in a clone."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def assets(here: Path = HERE) -> Path:
    """Return the folder with lab/: this one where Holdfast is installed, or the clone around it."""
    return here if (here / "lab").is_dir() else here.parent


def main() -> int:
    """Run the command, and give its exit code: 2 if there is no folder to work in."""
    try:
        Path.cwd()
    except FileNotFoundError:
        sys.stderr.write("holdfast: the current folder has been removed; cd to one that is there\n")
        return 2
    sys.path.insert(0, str(assets()))
    from lab.__main__ import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
