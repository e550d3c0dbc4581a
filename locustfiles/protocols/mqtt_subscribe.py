"""MQTT 3.1.1, QoS 1: each user subscribes to a topic; every EVERY seconds it publishes there and gets its message.

A message that the broker sends is a push, whatever else the user waits for, and is acknowledged at once. The row
`delivery` has the seconds from publishing to the arrival. Packets are shorter than 128 bytes here, so their length has
one byte.
"""

import struct
import time

from rawsocket import Connect, Due, Heartbeat, Receive, Request, Send, Session, SessionUser, Varint

PACKET = Varint(offset=1)
CONNECT, PUBLISH_QOS_1, PUBACK, SUBSCRIBE, PINGREQ, DISCONNECT = 0x10, 0x32, 0x40, 0x82, 0xC0, 0xE0


def packet(kind: int, body: bytes = b"") -> bytes:
    """Return a packet of MQTT."""
    return PACKET.frame(bytes([kind]), body)


def text(value: bytes) -> bytes:
    """Return a text with its length."""
    return struct.pack(">H", len(value)) + value


class MqttSubscriber(SessionUser):
    """Publishes to itself."""

    framing = PACKET
    accepts_pushes = True

    def session(self) -> Session:
        """Connect, subscribe, and exchange messages for ever."""
        client, topic = b"subscriber-%d" % self.number, text(b"inbox/%d" % self.number)
        yield Connect()
        yield Request(packet(CONNECT, b"\0\4MQTT\4\2\0\x3c" + text(client)), "CONNECT", expect=b"\x20\2\0\0")
        yield Request(packet(SUBSCRIBE, b"\0\1" + topic + b"\1"), "SUBSCRIBE", expect=b"\x90\3\0\1\1")
        yield Heartbeat(15, packet(PINGREQ), expect=b"\xd0\0", name="PINGREQ")
        while True:
            yield Due(self.option("every"))
            number, began = struct.pack(">H", self.message_no % 65_535 + 1), time.perf_counter()
            message = packet(PUBLISH_QOS_1, topic + number + b"message")
            yield Request(message, "PUBLISH", expect=packet(PUBACK, number))
            yield Receive(name="delivery", since=began, expect=lambda push: push.endswith(b"message"))

    def is_push(self, message: bytes) -> bool:
        """A message from the broker."""
        return message[0] & 0xF0 == 0x30

    def on_push(self, message: bytes) -> bytes:
        """Acknowledge it by its number, which stands behind the topic."""
        size = int.from_bytes(message[2:4]) + 4
        return packet(PUBACK, message[size : size + 2])

    def goodbye(self) -> Session:
        """Leave in order."""
        yield Send(packet(DISCONNECT), "DISCONNECT", reply=False)
