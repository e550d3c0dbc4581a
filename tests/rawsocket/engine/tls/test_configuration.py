from typing import Any

import pytest

from rawsocket.engine.tls.configuration import Tls

UNSET: Any = {"ca": None, "name": None, "cert": None, "key": None, "verify": True}
SET: Any = {"ca": "ca.pem", "name": "a.test", "cert": "c.pem", "key": "k.pem", "verify": False}


def test_settings_fill_in_what_a_class_leaves_open():
    assert Tls().with_defaults(**UNSET) == Tls(verify=True)
    assert Tls(alpn=("x",)).with_defaults(**SET) == Tls("ca.pem", "a.test", "c.pem", "k.pem", False, ("x",))
    own = Tls("own.pem", "own.test", "own-c.pem", "own-k.pem", True)
    assert own.with_defaults(**SET) == own


def test_key_of_the_settings_does_not_go_with_a_certificate_of_the_class():
    assert Tls(cert="own.pem").with_defaults(**SET).key is None


def test_key_of_the_settings_without_a_certificate_is_one_line():
    with pytest.raises(ValueError, match=r"^TLS_KEY=k.pem: a key needs its certificate: set TLS_CERT as well$"):
        Tls().with_defaults(**{**UNSET, "key": "k.pem"})


def test_each_user_may_have_files_of_its_own():
    tls = Tls(cert="c/{number}.pem", key="k/{number}.pem")
    assert tls.is_per_user
    assert tls.for_user(7) == Tls(cert="c/7.pem", key="k/7.pem")
    shared = Tls(cert="c.pem")
    assert not shared.is_per_user
    assert shared.for_user(7) is shared


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"minimum": "1.1"}, "Tls(minimum='1.1'): expected one of 1.2, 1.3"),
        ({"key": "k.pem"}, "Tls(key='k.pem'): a key needs its certificate: give cert as well"),
        ({"alpn": "mqtt"}, "Tls(alpn='mqtt'): expected names in a tuple, such as ('mqtt',)"),
        ({"alpn": ("",)}, "Tls(alpn=('',)): expected names in a tuple, such as ('mqtt',)"),
        ({"name": ""}, "Tls(name=''): expected a host name, such as server.example"),
        ({"name": ".test"}, "Tls(name='.test'): expected a host name, such as server.example"),
    ],
)
def test_what_can_not_be_used_is_one_line(wrong: Any, message: str):
    with pytest.raises(ValueError, match=r"^Tls\(") as caught:
        Tls(**wrong)
    assert str(caught.value) == message


def test_lists_of_protocols_are_taken_as_well():
    assert Tls(alpn=["a", "b"]) == Tls(alpn=("a", "b"))
    assert hash(Tls(alpn=["a"])) == hash(Tls(alpn=("a",)))
