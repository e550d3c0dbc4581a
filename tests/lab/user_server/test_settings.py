from pathlib import Path

import pytest

from lab.settings import read
from lab.user_server import settings as user_server

IMAGE = {"SERVER_IMAGE": "redis:7"}


@pytest.mark.parametrize(
    ("values", "said", "container"),
    [
        ({}, "", False),
        (IMAGE, "SERVER_IMAGE=redis:7", True),
        ({**IMAGE, "SERVER_COMMAND": "redis-server --save ''"}, "SERVER_IMAGE=redis:7", True),
        ({"SERVER_COMMAND": "sleep 5"}, "SERVER_COMMAND='sleep 5'", False),
        ({"SERVER_COMMAND": f"echo {'b' * 99}\n"}, f"SERVER_COMMAND='echo {'b' * 52}...'", False),
    ],
)
def test_what_replaces_the_labs_server(values: dict[str, str], said: str, container: bool) -> None:
    settings = read(values, {"SERVER_PORT": "9000"}, "load")
    assert settings.user_server == said
    assert settings.own_server is not bool(said)
    assert user_server.in_container(values) is container


def test_folder_is_an_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Dockerfile").touch()
    monkeypatch.chdir(tmp_path)
    read({"SERVER_BUILD": "."}, {}, "load")
    assert user_server.build_folder({"SERVER_BUILD": "."}) == str(tmp_path)
    assert user_server.build_folder({}) == ""


@pytest.mark.parametrize(
    ("listen", "port", "address"),
    [("", 0, "tcp://server:7"), ("6379", 6379, "tcp://server:7"), ("tls:6380", 6380, "tls://server:7")],
)
def test_port_that_it_listens_on(listen: str, port: int, address: str) -> None:
    values = {"SERVER_LISTEN": listen}
    assert user_server.listen(values)[0] == port
    assert user_server.url("server", 7, values) == address


@pytest.mark.parametrize(
    ("values", "implied", "listen"),
    [
        (IMAGE, "tcp://127.0.0.1:6379", "6379"),
        (IMAGE, "tls://redis.test:6380", "tls:6380"),
        ({**IMAGE, "SERVER_LISTEN": "7"}, "tcp://127.0.0.1:6379", "7"),
        ({"SERVER_COMMAND": "sleep 9"}, "tcp://127.0.0.1:6379", ""),
    ],
)
def test_target_that_a_conversation_names_is_replaced(values: dict[str, str], implied: str, listen: str) -> None:
    settings = read(values, {}, "load", {"TARGET": implied})
    assert (settings["TARGET"], settings["SERVER_LISTEN"]) == ("", listen)


def test_target_of_a_conversation_alone_stays() -> None:
    assert read({}, {}, "load", {"TARGET": "tcp://127.0.0.1:6379"})["TARGET"] == "tcp://127.0.0.1:6379"


def test_command_has_the_port() -> None:
    assert user_server.words("serve --port={port} 'a b'", 7000) == ["serve", "--port=7000", "a b"]


def test_time_that_it_may_take_until_it_listens() -> None:
    assert user_server.wait_s(read(IMAGE, {}).values) == user_server.READY_S
    assert user_server.wait_s(read({**IMAGE, "WAIT": "2m"}, {}).values) == 120
