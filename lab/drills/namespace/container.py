"""The container of a helper: its image, and the command that starts it in the network of another container.

It is root there, with NET_ADMIN as its only capability, in a network namespace that is not the host's: nothing that it
can do reaches beyond the container whose network it shares.
"""

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from lab import folders, procfs
from lab.drills.namespace.helper import LEASE_S
from lab.engines import identity
from lab.engines.docker import base_image
from lab.errors import LabError
from lab.progress import step
from lab.settings import is_loopback

BUILD_S = 600.0
NO_NETWORK = "none"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_LIMITS = (
    "--interactive", "--rm", "--user=0:0", "--cap-drop=ALL", "--cap-add=NET_ADMIN",
    "--security-opt=no-new-privileges", "--read-only", "--pids-limit=64", "--memory=256m", "--log-driver=none",
)  # fmt: skip


def image() -> str:
    """Return the name of the helper's image for this folder."""
    return f"holdfast-tools:{identity.tag()}"


def build(base: str) -> None:
    """Build the helper's image. `base`: the setting BASE_IMAGE. Raises LabError with the end of the build's output."""
    arguments = [f"--build-arg=BASE_IMAGE={base_image.ensure(base).image}"]
    arguments += [f"--build-arg={name}" for name in PROXIES if _usable(os.environ.get(name, ""))]
    labels = {identity.PROJECT_LABEL: identity.tag(), identity.FOLDER_LABEL: str(folders.work())}
    arguments += [f"--label={name}={text}" for name, text in labels.items()]
    with step("Building the helper of network drills (nft, tc, ss)"):
        try:
            done = subprocess.run(
                ["docker", "build", "--quiet", "--tag", image(), *arguments, str(Path(__file__).parent)],
                capture_output=True,
                text=True,
                timeout=BUILD_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise LabError(f"building {image()} took more than {BUILD_S:.0f} s") from None
    if done.returncode:
        raise LabError(
            f"could not build {image()}, the helper of network drills: it needs Debian's packages nftables and "
            "iproute2; check the network, or BASE_IMAGE if it is no Debian",
            done.stdout + done.stderr,
        )


def _usable(proxy: str) -> bool:
    """Whether a build reaches a proxy: not one on this machine's loopback."""
    return bool(proxy) and not is_loopback(urlsplit(proxy).hostname or "")


def command(network: str, project: str = "") -> list[str]:
    """Return the command of a helper. `network`: the id of the container whose network it shares, or NO_NETWORK."""
    labels = {
        identity.PROJECT_LABEL: project or identity.project(),
        identity.FOLDER_LABEL: str(folders.work()),
        identity.LAB_LABEL: procfs.mark(),
    }
    where = network if network == NO_NETWORK else f"container:{network}"
    return [
        "docker", "run", *_LIMITS, f"--network={where}",
        *(f"--label={name}={text}" for name, text in labels.items()),
        image(), f"{LEASE_S:g}",
    ]  # fmt: skip
