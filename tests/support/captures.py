"""Captures of TCP, written packet by packet."""

from socket import inet_aton

import dpkt

CLIENT, SERVER = inet_aton("10.0.0.1"), inet_aton("10.0.0.2")
SYN, ACK = dpkt.tcp.TH_SYN, dpkt.tcp.TH_ACK
Writer = dpkt.pcap.Writer | dpkt.pcapng.Writer


def packet(sent: bool, ports: tuple[int, int], number: int, data: bytes = b"", flags: int = ACK) -> bytes:
    """Return one packet between a client and a server. `number`: sequence number of its first byte."""
    mine, theirs = ports if sent else ports[::-1]
    tcp = dpkt.tcp.TCP(sport=mine, dport=theirs, seq=number, flags=flags, data=data)
    source, target = (CLIENT, SERVER) if sent else (SERVER, CLIENT)
    ip = dpkt.ip.IP(src=source, dst=target, p=dpkt.ip.IP_PROTO_TCP, data=tcp)
    ip.len = len(ip)
    return bytes(dpkt.ethernet.Ethernet(data=ip))


def write_dialogue(writer: Writer, port: int, client: int = 50000, begin: float = 1000.0) -> None:
    """Write a dialogue of three rounds, 0.25 s apart; each message is captured twice."""
    ports = (client, port)
    writer.writepkt(packet(True, ports, 0, flags=SYN), begin)
    writer.writepkt(packet(False, ports, 0, flags=SYN | ACK), begin)
    sent = received = 1
    for at in range(3):
        message, reply = b"GET k%d\r\n" % at, b"value\r\n"
        now = begin + 0.25 * at
        for _ in range(2):
            writer.writepkt(packet(True, ports, sent, message), now + 0.01)
        writer.writepkt(packet(False, ports, received, reply), now + 0.02)
        sent, received = sent + len(message), received + len(reply)
