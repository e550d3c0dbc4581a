from rawsocket import framing
from rawsocket.wire import framing as wire


def test_public_classes_are_those_of_the_wire_package():
    assert {name: getattr(framing, name) for name in framing.__all__} == {
        name: getattr(wire, name) for name in framing.__all__
    }
