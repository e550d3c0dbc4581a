"""The base image: python:3.13-slim from a registry, or one built here from Debian's packages.

Where no registry can be reached, `debootstrap` makes a Debian trixie with Python 3.13, and a build image on top of it
that also trusts this host's CA bundle. Only the build stages use the build image: pip works behind the host's proxy,
and the images that run hold nothing of it.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import folders
from lab.errors import LabError
from lab.progress import say, step
from lab.settings import from_environment

DEFAULT = "python:3.13-slim"
FALLBACK = "holdfast-base:trixie"
FALLBACK_BUILD = "holdfast-base:trixie-build"
PULL_TIMEOUT = 300.0
_LABEL = "LABEL holdfast.project=holdfast"
_PACKAGES = "python3,python3-venv,ca-certificates"
_CA_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
# A base image does not need package lists and archives, manuals, translations.
_UNNEEDED = (
    "var/cache/apt",
    "var/lib/apt/lists",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "var/log",
)


@dataclass(frozen=True)
class Base:
    """The image that the final stages start from, and the one of the build stages."""

    image: str
    build_image: str


def ensure(wanted: str) -> Base:
    """Return a base image that is on this machine: `wanted` if set, else python:3.13-slim, else the fallback.

    Raises LabError if `wanted` can't be pulled, or the fallback can't be built.
    """
    if wanted and wanted != FALLBACK:
        if not have(wanted):
            raise LabError(
                f"BASE_IMAGE={wanted} is not on this machine and can't be pulled: check the name and the network"
            )
        return Base(wanted, from_environment("BUILD_IMAGE") or wanted)
    if not wanted and (_present(DEFAULT) or (not _fallback_present() and _pull(DEFAULT))):
        return Base(DEFAULT, from_environment("BUILD_IMAGE") or DEFAULT)
    if not _fallback_present():
        say(f"No registry can be reached for {DEFAULT}: building {FALLBACK} from Debian's packages instead.")
        _build_fallback()
    return Base(FALLBACK, FALLBACK_BUILD)


def _docker(arguments: Sequence[str], timeout: float = 600.0) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=timeout, check=False)
    except FileNotFoundError:
        raise LabError(
            "a Docker engine answers, but the docker command is not installed: install it, or use ENGINE=native"
        ) from None


def _present(image: str) -> bool:
    return _docker(["image", "inspect", image]).returncode == 0


def have(image: str) -> bool:
    """Return whether an image is on this machine, pulled now if it was not."""
    return _present(image) or _pull(image)


def _fallback_present() -> bool:
    return _present(FALLBACK) and _present(FALLBACK_BUILD)


def _pull(image: str) -> bool:
    try:
        with step(f"Pulling {image}"):
            return _docker(["pull", "--quiet", image], timeout=PULL_TIMEOUT).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _build_fallback() -> None:
    debootstrap = _debootstrap_command()
    with tempfile.TemporaryDirectory(prefix="holdfast-base-") as folder:
        root = Path(folder) / "root"
        with step("Debian trixie with Python 3.13, by debootstrap (about a minute)"):
            _run([*debootstrap, "--variant=minbase", f"--include={_PACKAGES}", "trixie", str(root)])
        for name in _UNNEEDED:
            shutil.rmtree(root / name, ignore_errors=True)
            (root / name).mkdir(parents=True, exist_ok=True)
            (root / name).chmod(0o755)  # whatever the caller's umask is
        _import(root)
        _build_build_image(Path(folder) / "build")


def _debootstrap_command() -> list[str]:
    if os.geteuid() != 0:
        raise LabError(
            f"building the fallback base needs root for debootstrap: run `sudo {folders.command('setup')}` once, "
            "or set BASE_IMAGE to an image on this machine (Python 3.11 or later)"
        )
    if not shutil.which("debootstrap") and shutil.which("apt-get"):
        with step("Installing debootstrap"):
            subprocess.run(["apt-get", "update"], capture_output=True, check=False)
            _run(["apt-get", "install", "-y", "--no-install-recommends", "debootstrap"])
    if not shutil.which("debootstrap"):
        raise LabError("no registry can be reached, and debootstrap is not installed: install it, or set BASE_IMAGE")
    return ["debootstrap"]


def _import(root: Path) -> None:
    pack = ["tar", "-C", str(root), "--numeric-owner", "-c", "."]
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as tar:
        imported = subprocess.run(
            ["docker", "import", "--change", _LABEL, "-", FALLBACK],
            stdin=tar.stdout,
            capture_output=True,
            text=True,
            check=False,
        )
    if imported.returncode or tar.returncode:
        raise LabError(f"could not import {FALLBACK}", imported.stderr)


def _build_build_image(context: Path) -> None:
    context.mkdir()
    bundle = next((Path(path) for path in _CA_BUNDLES if Path(path).exists()), None)
    lines = [f"FROM {FALLBACK}"]
    if bundle:
        shutil.copy(bundle, context / "ca.crt")
        lines += [f"COPY ca.crt {_CA_BUNDLES[0]}", f"ENV PIP_CERT={_CA_BUNDLES[0]}"]
    (context / "Dockerfile").write_text("\n".join(lines) + "\n")
    _run(["docker", "build", "--quiet", "--tag", FALLBACK_BUILD, str(context)])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"`{' '.join(command[:3])} ...` failed with {done.returncode}", done.stdout + done.stderr)
