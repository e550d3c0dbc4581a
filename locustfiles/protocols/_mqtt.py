"""The packets of MQTT 3.1.1 that mqtt_publish.py and mqtt_subscribe.py send and read."""

import struct

from rawsocket import Varint

PACKET = Varint(offset=1)  # a byte with the kind, the length as a varint, the content
CONNECTED, SUBSCRIBED = b"\x20\2\0\0", b"\x90\3\0\1\1"  # what the broker replies
PING, PONG, DISCONNECT = b"\xc0\0", b"\xd0\0", b"\xe0\0"


def text(value: bytes) -> bytes:
    """Return a text with its length."""
    return struct.pack(">H", len(value)) + value


def packet_id(number: int) -> bytes:
    """Return the id of a packet: of numbers that grow by one, no two that are near have the same."""
    return struct.pack(">H", number % 65_535 + 1)


def connect(client: bytes) -> bytes:
    """Return the first packet of a client: a session that ends with the connection, kept alive for 60 seconds."""
    return PACKET.frame(b"\x10", b"\0\4MQTT\4\2\0\x3c" + text(client))


def subscribe(topic: bytes) -> bytes:
    """Return a subscription with QoS 1; its id is 1."""
    return PACKET.frame(b"\x82", b"\0\1" + text(topic) + b"\1")


def publish(topic: bytes, content: bytes, packet: bytes = b"") -> bytes:
    """Return a message: of QoS 1 with the id of a packet, of QoS 0 without."""
    return PACKET.frame(b"\x32" if packet else b"\x30", text(topic) + packet + content)


def acknowledge(packet: bytes) -> bytes:
    """Return the acknowledgement of a message of QoS 1."""
    return PACKET.frame(b"\x40", packet)


def is_message(received: bytes) -> bool:
    """Return whether a packet is a message from the broker."""
    return received[0] & 0xF0 == 0x30


def id_of(packet: bytes) -> bytes | None:
    """Return the id of a message of QoS 1 or of an acknowledgement; None of all else."""
    body = packet[next(at for at in range(1, 5) if packet[at] < 0x80) + 1 :]
    if packet[0] & 0xF6 == 0x32:
        begin = 2 + int.from_bytes(body[:2])
        return body[begin : begin + 2]
    return body[:2] if packet[0] == 0x40 else None
