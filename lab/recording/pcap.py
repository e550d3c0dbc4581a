"""Reads captures (pcap and pcapng, as tcpdump and Wireshark write them) with dpkt."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_ntop
from typing import Any, BinaryIO

import dpkt

from lab.errors import UsageError
from lab.recording.reassembly import Assembly, Segment, assembled
from lab.recording.traffic import Connection, Traffic

LINK_LAYERS = {
    dpkt.pcap.DLT_EN10MB: dpkt.ethernet.Ethernet,
    dpkt.pcap.DLT_LINUX_SLL: dpkt.sll.SLL,
    dpkt.pcap.DLT_LINUX_SLL2: dpkt.sll2.SLL2,
    dpkt.pcap.DLT_NULL: dpkt.loopback.Loopback,
    dpkt.pcap.DLT_LOOP: dpkt.loopback.Loopback,
}
RAW = (dpkt.pcap.DLT_RAW, 12, 14, 228, 229)  # IP packets without anything before them


def read(path: Path, port: int | None) -> tuple[Traffic, str]:
    """Return the connections to the server's port, and a line that says which were chosen.

    `port`: that of the server; None: the port to which most data goes. Raises UsageError.
    """
    every = [(each, connection) for each, connection in assembled(_segments(path)) if connection.pieces]
    if not every:
        raise UsageError(f"{path}: no TCP connection with data in it; give a capture of the dialogue, as `tcpdump -w`")
    ports = Counter({each.server[1]: 0 for each, _ in every})
    for each, connection in every:
        ports[each.server[1]] += sum(len(piece.data) for piece in connection.pieces)
    chosen = port if port is not None else ports.most_common(1)[0][0]
    if chosen not in ports:
        known = ", ".join(map(str, sorted(ports)))
        raise UsageError(f"{path}: no connection to port {chosen}; ports of servers in it: {known}; give one of these")
    return _chosen(path, every, chosen)


def _chosen(path: Path, every: list[tuple[Assembly, Connection]], port: int) -> tuple[Traffic, str]:
    mine = [(each, connection) for each, connection in every if each.server[1] == port]
    host = mine[0][0].server[0]
    said = f"{path}: {len(mine)} of {len(every)} connections, those to port {port}"
    if missed := sum(each.missed for each, _ in mine):
        said += f"; {missed} bytes are missing in the capture"
    if begun := sum(not each.whole for each, _ in mine):
        said += f"; {begun} had begun before the capture"
    shown = f"[{host}]" if ":" in host else host
    return Traffic(f"tcp://{shown}:{port}", tuple(connection for _, connection in mine)), said


def _segments(path: Path) -> Iterator[Segment]:
    try:
        with path.open("rb") as file:
            reader = _reader(file)
            for at, packet in reader:
                if segment := _segment(float(at), _ip(reader.datalink(), packet)):
                    yield segment
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}; give the path of a capture") from None
    except (ValueError, dpkt.Error) as error:
        raise UsageError(f"{path}: not a capture in the format pcap or pcapng: {error}") from None


def _reader(file: BinaryIO) -> Any:
    try:
        return dpkt.pcap.Reader(file)
    except ValueError:
        file.seek(0)
        return dpkt.pcapng.Reader(file)


def _ip(link: int, packet: bytes) -> Any:
    """Return the IP packet in a packet of the capture, or None."""
    try:
        if link in RAW:
            return dpkt.ip6.IP6(packet) if packet[:1] >= b"\x60" else dpkt.ip.IP(packet)
        layer = LINK_LAYERS.get(link)
        if layer is None:
            raise ValueError(f"packets of link type {link}; capture on an Ethernet, loopback or `any` interface")
        return layer(packet).data
    except (dpkt.Error, IndexError):
        return None  # cut short by the capture, or of another protocol


def _segment(at: float, packet: Any) -> Segment | None:
    if not isinstance(packet, dpkt.ip.IP | dpkt.ip6.IP6) or not isinstance(packet.data, dpkt.tcp.TCP):
        return None
    tcp = packet.data
    family = AF_INET if isinstance(packet, dpkt.ip.IP) else AF_INET6
    source, target = ((inet_ntop(family, ip), port) for ip, port in ((packet.src, tcp.sport), (packet.dst, tcp.dport)))
    flags = {name: bool(tcp.flags & bit) for name, bit in _FLAGS.items()}
    return Segment(at, source, target, tcp.seq, bytes(tcp.data), **flags)


_FLAGS = {"syn": dpkt.tcp.TH_SYN, "ack": dpkt.tcp.TH_ACK, "fin": dpkt.tcp.TH_FIN, "rst": dpkt.tcp.TH_RST}
