"""MQTT 3.1.1: every EVERY seconds each user publishes a message of QoS 0 and one of QoS 1; it pings when it is idle.

QoS 0 is one-way. QoS 1 is acknowledged with the number of the message, and a broker may acknowledge in any order.
"""

import struct

from rawsocket import Connect, Due, Heartbeat, Request, ScenarioSetting, Send, Session, SessionUser, Varint

ScenarioSetting("mqtt_ping", 15, "seconds without a message after which a user pings", type=float)

PACKET = Varint(offset=1)
CONNECT, PUBLISH, PUBLISH_1, PUBACK, PING, DISCONNECT = b"\x10", b"\x30", b"\x32", b"\x40", b"\xc0\0", b"\xe0\0"


def text(value: bytes) -> bytes:
    """Return a text with its length."""
    return struct.pack(">H", len(value)) + value


class MqttPublisher(SessionUser):
    """Publishes on a topic of its own."""

    framing = PACKET

    def session(self) -> Session:
        """Connect, and publish for ever."""
        hello = b"\0\4MQTT\4\2\0\x3c" + text(b"publisher-%d" % self.number)
        topic = text(b"load/%d" % self.number)
        yield Connect()
        yield Request(PACKET.frame(CONNECT, hello), "CONNECT", expect=b"\x20\2\0\0")
        yield Heartbeat(self.option("mqtt_ping"), PING, expect=b"\xd0\0", name="ping", idle=True)
        while True:
            yield Due(self.option("every"))
            number = struct.pack(">H", self.message_no % 65_535 + 1)
            yield Send(PACKET.frame(PUBLISH, topic + b"hello"), "QoS 0", reply=False)
            yield Request(PACKET.frame(PUBLISH_1, topic + number + b"hello"), "QoS 1")

    def request_key(self, payload: bytes) -> bytes | None:
        """The number of a message, which stands before its text; all other packets are answered in order."""
        return payload[-7:-5] if payload[:1] == PUBLISH_1 else None

    def reply_key(self, message: bytes) -> bytes | None:
        """The number that is acknowledged."""
        return message[2:4] if message[:1] == PUBACK else None

    def goodbye(self) -> Session:
        """Leave in order; otherwise the broker would publish the user's last will."""
        yield Send(DISCONNECT, "DISCONNECT", reply=False)
