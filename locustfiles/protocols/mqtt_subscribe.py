"""MQTT 3.1.1, QoS 1: each user subscribes to a topic; every EVERY seconds it publishes there and gets its message.

A message that the broker sends is a push, whatever else the user waits for, and is acknowledged at once. The row
`delivery` has the seconds from publishing to the arrival.
"""

import struct
import time

from rawsocket import Connect, Due, Heartbeat, Receive, Request, ScenarioSetting, Send, Session, SessionUser, Varint

ScenarioSetting("mqtt_ping", 15, "seconds between two pings of a user", type=float)

PACKET = Varint(offset=1)
CONNECT, PUBLISH, PUBACK, SUBSCRIBE, PING, DISCONNECT = b"\x10", b"\x32", b"\x40", b"\x82", b"\xc0\0", b"\xe0\0"


def text(value: bytes) -> bytes:
    """Return a text with its length."""
    return struct.pack(">H", len(value)) + value


class MqttSubscriber(SessionUser):
    """Publishes to itself."""

    framing = PACKET
    accepts_pushes = True

    def session(self) -> Session:
        """Connect, subscribe, and exchange messages for ever."""
        hello = b"\0\4MQTT\4\2\0\x3c" + text(b"subscriber-%d" % self.number)
        topic = text(b"inbox/%d" % self.number)
        yield Connect()
        yield Request(PACKET.frame(CONNECT, hello), "CONNECT", expect=b"\x20\2\0\0")
        yield Request(PACKET.frame(SUBSCRIBE, b"\0\1" + topic + b"\1"), "SUBSCRIBE", expect=b"\x90\3\0\1\1")
        yield Heartbeat(self.option("mqtt_ping"), PING, expect=b"\xd0\0", name="ping")
        while True:
            yield Due(self.option("every"))
            number, began = struct.pack(">H", self.message_no % 65_535 + 1), time.perf_counter()
            message = PACKET.frame(PUBLISH, topic + number + b"message")
            yield Request(message, "PUBLISH", expect=PACKET.frame(PUBACK, number))
            yield Receive(name="delivery", since=began, expect=lambda push: push.endswith(b"message"))

    def is_push(self, message: bytes) -> bool:
        """A message from the broker."""
        return message[0] & 0xF0 == 0x30

    def on_push(self, message: bytes) -> bytes:
        """Acknowledge it by its number, which stands before its text."""
        return PACKET.frame(PUBACK, message[-9:-7])

    def goodbye(self) -> Session:
        """Leave in order."""
        yield Send(DISCONNECT, "DISCONNECT", reply=False)
