from types import SimpleNamespace
from typing import Any

import pytest

from lab.engines.docker import base_image
from lab.engines.docker.user_server import image
from lab.engines.docker.user_server.image import ServerImage
from lab.errors import UsageError

REDIS = {"SERVER_IMAGE": "redis:7"}


def _client(**config: Any) -> Any:
    found = SimpleNamespace(attrs={"Config": config})
    return SimpleNamespace(images=SimpleNamespace(get=lambda name: found))


@pytest.mark.parametrize(
    ("config", "listen", "expected"),
    [
        ({"ExposedPorts": {"6379/tcp": {}}}, "", ServerImage("redis:7", 6379, True)),
        ({"ExposedPorts": {"6379/tcp": {}, "53/udp": {}}, "User": "redis"}, "", ServerImage("redis:7", 6379, False)),
        ({"ExposedPorts": {"6379/tcp": {}}, "User": "0:0"}, "7000", ServerImage("redis:7", 7000, True)),
        ({"ExposedPorts": None, "User": "999"}, "tls:7000", ServerImage("redis:7", 7000, False)),
    ],
)
def test_port_and_user(config: dict[str, Any], listen: str, expected: ServerImage) -> None:
    assert image.inspect(_client(**config), "redis:7", {**REDIS, "SERVER_LISTEN": listen}) == expected


@pytest.mark.parametrize(
    ("ports", "line"),
    [
        ({}, "its image names no port (EXPOSE); say which one it listens on, as in SERVER_LISTEN=7000"),
        ({"80/tcp": {}, "443/tcp": {}}, "it names several ports, 80, 443; say which one it listens on, as in SERVER_L"),
    ],
)
def test_image_that_does_not_say_its_port(ports: dict[str, Any], line: str) -> None:
    with pytest.raises(UsageError) as error:
        image.inspect(_client(ExposedPorts=ports), "redis:7", REDIS)
    assert f"SERVER_IMAGE=redis:7: {line}" in str(error.value)


def test_image_that_can_not_be_had_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def have(name: str) -> bool:
        asked.append(name)
        return name == "there:1"

    monkeypatch.setattr(base_image, "have", have)
    image.ensure({"SERVER_IMAGE": "there:1"})
    image.ensure({"SERVER_BUILD": "mine"})
    with pytest.raises(UsageError, match="SERVER_IMAGE=redis:7 is not on this machine and can't be pulled: check the"):
        image.ensure(REDIS)
    assert asked == ["there:1", "redis:7"]


def test_name_of_the_image() -> None:
    assert image.name(REDIS, "mine-123abc") == "redis:7"
    assert image.name({"SERVER_BUILD": "mine"}, "mine-123abc") == "holdfast-your-server:mine-123abc"
