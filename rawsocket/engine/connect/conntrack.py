"""Whether the kernel's table of tracked connections is full: then it drops every new connection without an answer.

A firewall that tracks connections keeps an entry for each, for some minutes after its end as well. A connect through a
full table looks like one to a server that doesn't answer. Only the table of this process's own network can be read: in
a container, that of the container.
"""

from pathlib import Path

FOLDER = Path("/proc/sys/net/netfilter")
FULL = 0.99  # entries expire between the connect and its timeout


def full(folder: Path = FOLDER) -> str:
    """Return how full the table is, "" if it has room or there is none."""
    try:
        count, most = (int((folder / f"nf_conntrack_{name}").read_text()) for name in ("count", "max"))
    except (OSError, ValueError):
        return ""
    return f"the connection-tracking table is full ({count:,} of {most:,} entries)" if count >= FULL * most > 0 else ""
