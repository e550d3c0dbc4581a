"""Whether this machine's kernel can do what a drill needs, tried out in a network of its own that has no other end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.drills.namespace.helper import Helper
from lab.errors import LabError


@dataclass(frozen=True)
class Trial:
    """What is tried: a command with its input; `what` the kernel lacks if it fails."""

    what: str
    command: Sequence[str]
    text: str = ""


# ss does not say whether it has ended a connection: this ends one, and looks.
_END_ONE = """
import socket, subprocess
with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
    client.settimeout(2)
    subprocess.run(["ss", "-K", "-Htn", "dport", "=", f":{listener.getsockname()[1]}"], capture_output=True)
    try:
        client.recv(1)
    except ConnectionError:
        raise SystemExit(0)
raise SystemExit(1)
"""
END_CONNECTIONS = Trial("ss -K (CONFIG_INET_DIAG_DESTROY)", ["python3", "-c", _END_ONE])
LIMIT_BANDWIDTH = Trial(
    "tc's tbf (CONFIG_NET_SCH_TBF)",
    ["tc", "qdisc", "add", "dev", "lo", "root", "handle", "d111:", "tbf", "rate", "1mbit", "burst", "10k",
     "latency", "1s"],
)  # fmt: skip

DELAY_PACKETS = Trial(
    "tc's netem (CONFIG_NET_SCH_NETEM)",
    ["tc", "qdisc", "add", "dev", "lo", "root", "handle", "d111:", "netem", "delay", "1ms"],
)


def of_rules(rules: str) -> Trial:
    """Return the trial of rules of nft: the kernel says whether it knows each of their parts."""
    return Trial("nft with the rules of this drill (CONFIG_NF_TABLES)", ["nft", "-f", "-"], rules)


def lacking(trials: Sequence[Trial], helper: Helper) -> Mapping[str, str]:
    """Return what the kernel lacks, each with what the program said."""
    found = {}
    for trial in trials:
        try:
            helper.run(*trial.command, text=trial.text)
        except LabError as error:
            found[trial.what] = error.evidence
    return found
