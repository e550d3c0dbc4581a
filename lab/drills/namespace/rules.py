"""Pure: the rules of nft and the filters of ss that network drills use, as text.

A rule that drops in the table below applies to one network namespace. All that a rule has to know is the server's port:
the same text works in the namespace of the server and in that of a worker.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# As in agent.py beside this, which is alone in its image: what is called so is removed at the end.
TABLE, QUEUE = "holdfast_drill", "d111:"
# A connection as nft knows it: the client's address and port.
TO_SERVER, FROM_SERVER = "tcp dport {port}", "tcp sport {port}"
CLIENT_TO, CLIENT_FROM = "ip saddr . tcp sport", "ip daddr . tcp dport"
SYN = "tcp flags & (syn | ack) == syn"
PAIR = "type ipv4_addr . inet_service"
# Connections in one filter of ss: its length has a limit.
PER_FILTER = 200
# Bytes that may leave at once below the limit of bandwidth: a packet has to fit (Linux divides larger ones).
BURST = 3000


@dataclass(frozen=True, order=True)
class Client:
    """The client's end of a connection."""

    address: str
    port: int


def table(*rules: str, sets: Sequence[str] = (), hooks: Sequence[str] = ("input", "output")) -> str:
    """Return the input of `nft -f -`: rules for packets that arrive in the namespace, and for those that leave it."""
    chains = "\n".join(
        f"chain {hook} {{ type filter hook {hook} priority -300; policy accept;\n" + "\n".join(rules) + "\n}"
        for hook in hooks
    )
    return f"table inet {TABLE} {{\n" + "\n".join([*sets, chains]) + "\n}\n"


def black_hole(port: int, clients: Sequence[Client], ways: Sequence[str]) -> str:
    """Drop all packets of these connections; `ways`: TO_SERVER, FROM_SERVER or both."""
    match = {TO_SERVER: CLIENT_TO, FROM_SERVER: CLIENT_FROM}
    drops = [f"{way.format(port=port)} {match[way]} @chosen counter drop" for way in ways]
    elements = ", ".join(f"{one.address} . {one.port}" for one in clients)
    return table(*drops, sets=[f"set chosen {{ {PAIR}; elements = {{ {elements} }} }}"])


def no_farewell(port: int) -> str:
    """Drop the FIN and the RST with which a server that ends says so."""
    return table(f"{FROM_SERVER.format(port=port)} tcp flags & (fin | rst) != 0 counter drop")


def reject_newcomers(port: int, at_server: bool) -> str:
    """Refuse each new connection; those that are there are not touched."""
    hook = "input" if at_server else "output"
    return table(f"{TO_SERVER.format(port=port)} {SYN} counter reject with tcp reset", hooks=[hook])


def lose_syns(ports: Sequence[int], percent: int, at_server: bool) -> str:
    """Drop a share of the first packets of new connections, each by chance."""
    listed, hook = ", ".join(map(str, ports)), "input" if at_server else "output"
    return table(f"tcp dport {{ {listed} }} {SYN} numgen random mod 100 < {percent} counter drop", hooks=[hook])


def forget_idle(port: int, clients: Sequence[Client], seconds: float) -> str:
    """Do as a middlebox: know these connections and new ones, and drop what belongs to one that was silent too long."""
    to, back = TO_SERVER.format(port=port), FROM_SERVER.format(port=port)
    limit = f"{round(seconds * 1000)}ms"
    elements = f"elements = {{ {', '.join(f'{one.address} . {one.port}' for one in clients)} }};" if clients else ""
    return table(
        f"{to} {SYN} update @known {{ {CLIENT_TO} }} accept",
        f"{to} {CLIENT_TO} != @known counter drop",
        f"{back} {CLIENT_FROM} != @known counter drop",
        f"{to} update @known {{ {CLIENT_TO} }}",
        f"{back} update @known {{ {CLIENT_FROM} }}",
        sets=[f"set known {{ {PAIR}; flags dynamic,timeout; timeout {limit}; size 65535; {elements} }}"],
    )


def cut() -> str:
    """Drop everything that leaves the namespace or enters it; what stays inside of it goes on."""
    return table("ip daddr != 127.0.0.0/8 counter drop", "ip6 daddr != ::1 counter drop")


def servers_side(listing: str) -> list[Client]:
    """Return the clients in the output of `ss -Htn` of a server, in order."""
    return sorted(_ends(line)[1] for line in listing.splitlines())


def clients_side(listing: str) -> list[Client]:
    """Return the clients in the output of `ss -Htn` of their own machine, in order."""
    return sorted(_ends(line)[0] for line in listing.splitlines())


def _ends(line: str) -> list[Client]:
    """Return both ends of a connection, ours first: words with a colon, whatever columns are before them."""
    return [_end(word) for word in line.split() if ":" in word][:2]


def _end(word: str) -> Client:
    address, _, port = word.rpartition(":")
    return Client(address.strip("[]").removeprefix("::ffff:"), int(port))


def share(clients: Sequence[Client], percent: float) -> list[Client]:
    """Return the first `percent` % of the connections by address and port: exactly so many, rounded."""
    return sorted(clients)[: round(len(clients) * percent / 100)]


def limited(device: str, bytes_s: float, queue: float) -> list[str]:
    """Return the command of tc that lets `bytes_s` leave by a device; `queue`: bytes that may wait, the others drop."""
    rate = f"{round(bytes_s * 8)}bit"
    return [
        "tc", "qdisc", "replace", "dev", device, "root", "handle", QUEUE, "tbf",
        "rate", rate, "burst", str(max(BURST, round(bytes_s / 100))), "limit", str(round(queue)),
    ]  # fmt: skip


def delayed(device: str, least_ms: int, jitter_ms: int) -> list[str]:
    """Return the command of tc that delays what leaves by a device, by `least_ms` and up to `jitter_ms` more.

    netem takes the middle and how far the delay is from it at most. A queue of one rate would keep packets in order,
    netem alone sends one with a short delay before an earlier one: TCP puts them in order again.
    """
    half = jitter_ms / 2
    times = [f"{least_ms + half:g}ms", *([f"{half:g}ms"] if jitter_ms else [])]
    return ["tc", "qdisc", "replace", "dev", device, "root", "handle", QUEUE, "netem", "delay", *times]


def limit_of(listing: str) -> dict[str, Any]:
    """Return the limit of bandwidth in the output of `tc -s -json qdisc show`."""
    found: list[dict[str, Any]] = json.loads(listing)
    return next(each for each in found if each["handle"] == QUEUE)


def filters(port: int, clients: Sequence[Client], at_server: bool) -> list[str]:
    """Return filters of ss that together name these connections, and no other, as one side sees them."""
    here, there = ("sport", "dst") if at_server else ("dport", "src")
    parts = [clients[start : start + PER_FILTER] for start in range(0, len(clients), PER_FILTER)]
    return [
        f"{here} = :{port} and ( " + " or ".join(f"{there} {one.address}:{one.port}" for one in part) + " )"
        for part in parts
    ]
