import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import pytest

from locustfiles.protocols import _mqtt as mqtt


def test_connect_is_the_packet_of_the_standard():
    """MQTT 3.1.1, figure 3.6: name and level of the protocol, flags, keep alive; then the client's name."""
    assert mqtt.connect(b"me") == b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02me"


def test_subscription_asks_for_qos_1():
    assert mqtt.subscribe(b"a/b") == b"\x82\x08\x00\x01\x00\x03a/b\x01"


@pytest.mark.parametrize(
    ("packet", "known"),
    [
        (mqtt.publish(b"a/b", b"hello", b"\x12\x34"), b"\x12\x34"),
        (mqtt.publish(b"a/b", b"x" * 200, b"\x12\x34"), b"\x12\x34"),  # a length of two bytes
        (mqtt.publish(b"a/b", b"hello"), None),  # QoS 0
        (mqtt.acknowledge(b"\x12\x34"), b"\x12\x34"),
        (mqtt.PONG, None),
        (mqtt.CONNECTED, None),
        (mqtt.SUBSCRIBED, None),
    ],
)
def test_id_of_a_packet(packet: bytes, known: bytes | None):
    assert mqtt.id_of(packet) == known


def test_ids_are_never_0_and_fit():
    assert [mqtt.packet_id(number) for number in (0, 65_534, 65_535)] == [b"\0\1", b"\xff\xff", b"\0\1"]


def test_only_a_publish_of_the_broker_is_a_message():
    assert mqtt.is_message(mqtt.publish(b"a", b"b"))
    assert not mqtt.is_message(mqtt.PONG)
