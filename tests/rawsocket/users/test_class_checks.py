import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from collections.abc import Callable

import pytest
from locust import constant, task

from rawsocket import Connect, RawSocketUser, Session, SessionUser
from rawsocket.users.class_checks import ScenarioMistake


def session(self: SessionUser) -> Session:
    yield Connect()


@pytest.mark.parametrize(
    ("name", "value", "instead"),
    [
        ("on_start", lambda self: None, "beginning of session()"),
        ("on_stop", lambda self: None, "goodbye()"),
        ("wait_time", constant(1), "Wait(seconds)"),
        ("work", task(lambda self: None), "put it into session()"),
    ],
)
def test_what_a_session_never_uses_is_refused(name: str, value: Callable[..., object], instead: str) -> None:
    with pytest.raises(ScenarioMistake, match="Mine is a SessionUser, which never uses") as caught:
        type("Mine", (SessionUser,), {"session": session, name: value})
    assert instead in str(caught.value)


def test_what_a_session_inherits_is_refused_as_well() -> None:
    mixin = type("Mixin", (), {"on_start": lambda self: None})
    with pytest.raises(ScenarioMistake, match="never uses on_start"):
        type("Mine", (mixin, SessionUser), {"session": session})


def test_session_user_without_a_session_is_refused_unless_it_is_abstract() -> None:
    with pytest.raises(ScenarioMistake, match="Mine is a SessionUser without session"):
        type("Mine", (SessionUser,), {})
    base = type("Base", (SessionUser,), {"abstract": True})
    assert type("Mine", (base,), {"session": session}).session is session  # type: ignore[attr-defined]


def test_raw_socket_user_may_have_all_of_it() -> None:
    more = {"on_start": lambda self: None, "wait_time": constant(1), "work": task(lambda self: None)}
    assert type("Mine", (RawSocketUser,), more)
