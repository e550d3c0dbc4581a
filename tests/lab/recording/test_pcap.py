"""Captures that the test writes itself: pcap and pcapng, several connections, retransmissions."""

from pathlib import Path

import dpkt
import pytest

from lab.errors import UsageError
from lab.recording import pcap
from tests.support.captures import SYN, Writer, packet, write_dialogue


@pytest.mark.parametrize("kind", [dpkt.pcap.Writer, dpkt.pcapng.Writer])
def test_connections_to_the_port_with_most_data(tmp_path: Path, kind: type[Writer]) -> None:
    path = tmp_path / "dump"
    with path.open("wb") as file:
        writer = kind(file)
        write_dialogue(writer, 9000)
        write_dialogue(writer, 9000, client=50001)
        writer.writepkt(packet(True, (50002, 80), 1, b"other"), 1005.0)
        writer.writepkt(b"no packet", 1005.0)
    traffic, said = pcap.read(path, None)
    assert said == f"{path}: 2 of 3 connections, those to port 9000"
    assert traffic.target == "tcp://10.0.0.2:9000"
    assert [each.stream(sent=True) for each in traffic.connections] == [b"GET k0\r\nGET k1\r\nGET k2\r\n"] * 2
    other, said = pcap.read(path, 80)
    assert [each.stream(sent=True) for each in other.connections] == [b"other"]
    assert said.endswith("those to port 80; 1 had begun before the capture")
    with pytest.raises(UsageError, match="no connection to port 81; ports of servers in it: 80, 9000; give one"):
        pcap.read(path, 81)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory; give the path of a capture"),
        (b"GET / HTTP/1.1", "not a capture in the format pcap or pcapng"),
        (b"", "not a capture in the format pcap or pcapng"),
    ],
)
def test_file_that_is_no_capture(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "dump"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        pcap.read(path, None)


def test_capture_without_a_dialogue(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    with path.open("wb") as file:
        dpkt.pcap.Writer(file).writepkt(packet(True, (5000, 80), 1, flags=SYN))
    with pytest.raises(UsageError, match="no TCP connection with data in it"):
        pcap.read(path, None)


def test_capture_that_ends_within_a_packet_is_read_up_to_it(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    with path.open("wb") as file:
        write_dialogue(dpkt.pcap.Writer(file), 9000)
    path.write_bytes(path.read_bytes()[:-20])
    traffic, _ = pcap.read(path, None)
    assert traffic.connections[0].stream(sent=True) == b"GET k0\r\nGET k1\r\nGET k2\r\n"
