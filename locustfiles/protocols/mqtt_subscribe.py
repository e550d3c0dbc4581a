"""MQTT 3.1.1, QoS 1: each user subscribes to a topic; every EVERY seconds it publishes there and gets its message.

A message that the broker sends is a push, whatever else the user waits for, and is acknowledged at once. The row
`delivery` has the seconds from publishing to the arrival.
"""

import time

from locustfiles.protocols import _mqtt as mqtt
from rawsocket import Connect, Due, Heartbeat, Receive, Request, ScenarioSetting, Send, Session, SessionUser

ScenarioSetting("mqtt_ping", 15, "seconds between two pings of a user", type=float)


class MqttSubscriber(SessionUser):
    framing = mqtt.PACKET

    def session(self) -> Session:
        topic = b"inbox/%d" % self.number
        yield Connect()
        yield Request(mqtt.connect(b"subscriber-%d" % self.number), "CONNECT", expect=mqtt.CONNECTED)
        yield Request(mqtt.subscribe(topic), "SUBSCRIBE", expect=mqtt.SUBSCRIBED)
        yield Heartbeat(self.option("mqtt_ping"), mqtt.PING, expect=mqtt.PONG, name="ping")
        while True:
            yield Due(self.option("every"))
            packet, began = mqtt.packet_id(self.message_no), time.perf_counter()
            yield Request(mqtt.publish(topic, b"hello", packet), "PUBLISH", expect=mqtt.acknowledge(packet))
            yield Receive(name="delivery", since=began, expect=lambda message: message.endswith(b"hello"))

    def is_push(self, message: bytes) -> bool:
        return mqtt.is_message(message)

    def on_push(self, message: bytes) -> bytes:
        return mqtt.acknowledge(message[-7:-5])  # its id stands before its text

    def goodbye(self) -> Session:
        yield Send(mqtt.DISCONNECT, "DISCONNECT", reply=False)
