"""MQTT 3.1.1: every EVERY seconds each user publishes a message of QoS 0 and one of QoS 1; it pings when it is idle.

QoS 0 is one-way. QoS 1 is acknowledged: the reply has the number of the message. The broker may send replies in any
order, so they are matched by what they acknowledge.
"""

import struct
from collections.abc import Hashable

from rawsocket import Connect, Due, Heartbeat, Request, Send, Session, SessionUser, Varint

PACKET = Varint(offset=1)
CONNECT, CONNACK, PUBLISH, PUBACK, PINGREQ, PINGRESP, DISCONNECT = 0x10, 0x20, 0x30, 0x40, 0xC0, 0xD0, 0xE0
QOS_1 = 2
REPLY_TO = {CONNECT: CONNACK, PUBLISH | QOS_1: PUBACK, PINGREQ: PINGRESP}


def packet(kind: int, body: bytes = b"") -> bytes:
    """Return a packet of MQTT."""
    return PACKET.frame(bytes([kind]), body)


def text(value: bytes) -> bytes:
    """Return a text with its length."""
    return struct.pack(">H", len(value)) + value


class MqttPublisher(SessionUser):
    """Publishes on a topic of its own."""

    framing = PACKET

    def session(self) -> Session:
        """Connect, and publish for ever."""
        client, topic = b"publisher-%d" % self.number, text(b"load/%d" % self.number)
        yield Connect()
        yield Request(packet(CONNECT, b"\0\4MQTT\4\2\0\x3c" + text(client)), "CONNECT", expect=b"\x20\2\0\0")
        yield Heartbeat(15, packet(PINGREQ), idle=True, name="PINGREQ")
        while True:
            yield Due(self.option("every"))
            number = struct.pack(">H", self.message_no % 65_535 + 1)
            yield Send(packet(PUBLISH, topic + b"hello"), "PUBLISH QoS 0", reply=False)
            yield Request(packet(PUBLISH | QOS_1, topic + number + b"hello"), "PUBLISH QoS 1")

    def request_key(self, payload: bytes) -> Hashable:
        """What the reply acknowledges: its kind, and the number of a message."""
        size = int.from_bytes(payload[2:4]) + 4
        return REPLY_TO[payload[0]], payload[size : size + 2] if payload[0] == PUBLISH | QOS_1 else b""

    def reply_key(self, message: bytes) -> Hashable:
        """The same of a reply."""
        return message[0], message[2:4] if message[0] == PUBACK else b""

    def goodbye(self) -> Session:
        """Leave in order; otherwise the broker would publish the user's last will."""
        yield Send(packet(DISCONNECT), "DISCONNECT", reply=False)
