"""MQTT 3.1.1: every EVERY seconds each user publishes a message of QoS 0 and one of QoS 1; it pings when it is idle.

QoS 0 is one-way. QoS 1 is acknowledged with the id of the packet, and a broker may acknowledge in any order.
"""

from locustfiles.protocols import _mqtt as mqtt
from rawsocket import Connect, Due, Heartbeat, Request, ScenarioSetting, Send, Session, SessionUser

ScenarioSetting("mqtt_ping", 15, "seconds without a message after which a user pings", type=float)


class MqttPublisher(SessionUser):
    framing = mqtt.PACKET

    def session(self) -> Session:
        topic = b"load/%d" % self.number
        yield Connect()
        yield Request(mqtt.connect(b"publisher-%d" % self.number), "CONNECT", expect=mqtt.CONNECTED)
        yield Heartbeat(self.option("mqtt_ping"), mqtt.PING, expect=mqtt.PONG, name="ping", idle=True)
        while True:
            yield Due(self.option("every"))
            yield Send(mqtt.publish(topic, b"hello"), "QoS 0", reply=False)
            yield Request(mqtt.publish(topic, b"hello", mqtt.packet_id(self.message_no)), "QoS 1")

    def request_key(self, payload: bytes) -> bytes | None:
        return mqtt.id_of(payload)  # None: the reply comes in order

    def reply_key(self, message: bytes) -> bytes | None:
        return mqtt.id_of(message)

    def goodbye(self) -> Session:  # otherwise the broker would publish the user's last will
        yield Send(mqtt.DISCONNECT, "DISCONNECT", reply=False)
