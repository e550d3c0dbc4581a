"""Brokers, chat and logs: what we counted is what the server counted, to the message."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from locustfiles.protocols.irc_chat import IrcUser
from locustfiles.protocols.mqtt_publish import MqttPublisher
from locustfiles.protocols.mqtt_subscribe import MqttSubscriber
from locustfiles.protocols.nats_pubsub import NatsUser
from rawsocket.measurement.locust_stats import BATCH
from tests.real.protocol_load import load
from tests.real.real_server import RealServer

PUBLISHED = "broker/publish/messages/received"


def test_mqtt_publish(mosquitto: RealServer) -> None:

    def settled() -> bool:
        return BATCH["ping"].requests >= 10

    rows = load(MqttPublisher, mosquitto.target, 5, {"QoS 1": 100}, settled, mqtt_ping=0.1)
    published = rows["QoS 0"] + rows["QoS 1"]
    assert mosquitto.wait_for(PUBLISHED, published)[PUBLISHED] == published


def test_mqtt_subscribe(mosquitto: RealServer) -> None:
    rows = load(MqttSubscriber, mosquitto.target, 5, {"delivery": 100, "ping": 10}, mqtt_ping=0.1)
    assert mosquitto.wait_for(PUBLISHED, rows["PUBLISH"])[PUBLISHED] == rows["PUBLISH"]
    assert rows["PUBLISH"] == rows["push"] == rows["push-reply"] == rows["delivery"]


def test_nats_pubsub(nats: RealServer) -> None:
    rows = load(NatsUser, nats.target, enough={"delivery": 100})
    counted = nats.growth()
    assert rows["PUB"] == counted["in_msgs"] == counted["out_msgs"] == rows["delivery"]


def test_irc_chat(ngircd: RealServer) -> None:
    rows = load(IrcUser, ngircd.target, 5, {"PRIVMSG": 20, "push": 80}, every=0.2)
    counted = ngircd.wait_for("QUIT", rows["QUIT"])
    assert (rows["PRIVMSG"], rows["JOIN"], rows["QUIT"]) == (counted["PRIVMSG"], counted["JOIN"], counted["QUIT"])
