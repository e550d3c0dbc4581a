from pathlib import Path

import pytest

from lab import user_server
from lab.errors import UsageError
from lab.settings import read

IMAGE = {"SERVER_IMAGE": "redis:7"}


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    return str(tmp_path)


@pytest.mark.parametrize(
    ("values", "environ", "line"),
    [
        ({**IMAGE, "SERVER_BUILD": "."}, {}, "SERVER_IMAGE and SERVER_BUILD both name an image of your server: give"),
        ({**IMAGE, "TARGET": "tcp://a:1"}, {}, "SERVER_IMAGE=redis:7 starts a server, and TARGET=tcp://a:1 is loaded"),
        ({**IMAGE, "MODEL": "epoll"}, {}, "MODEL is a setting of the lab's own server, which SERVER_IMAGE=redis:7"),
        ({**IMAGE, "PROCESSES": "2"}, {"SERVER_WORK_MS": "5"}, "PROCESSES, SERVER_WORK_MS are settings of the lab's"),
        ({"SERVER_LISTEN": "7000"}, {}, "SERVER_LISTEN is for a server of your own: give SERVER_IMAGE, SERVER_BUILD"),
        ({"SERVER_WRITABLE": "yes"}, {}, "SERVER_WRITABLE is for a server of your own"),
        ({**IMAGE, "SERVER_LISTEN": "http"}, {}, "SERVER_LISTEN='http' is not valid: expected a port from 1 to 65535"),
        ({"SERVER_COMMAND": "sleep 9", "SERVER_WRITABLE": "yes"}, {}, "SERVER_WRITABLE is for a container"),
        ({"SERVER_COMMAND": "no-such-program {port}"}, {}, "there is no program 'no-such-program' that can be run"),
        ({"SERVER_COMMAND": "echo 'a"}, {}, "SERVER_COMMAND=echo 'a: no closing quotation; write it as in a shell"),
        ({"SERVER_BUILD": "/nowhere"}, {}, "SERVER_BUILD=/nowhere: there is no such folder; correct the path"),
        ({**IMAGE, "NETWORK": "theirs"}, {}, "NETWORK=theirs is for a server on that network"),
    ],
)
@pytest.mark.parametrize("verb", ["up", "load"])
def test_misuse_is_one_line(values: dict[str, str], environ: dict[str, str], line: str, verb: str) -> None:
    with pytest.raises(UsageError) as error:
        read(values, environ, verb)
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_folder_without_a_dockerfile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it has no Dockerfile; name the folder that has it"):
        read({"SERVER_BUILD": str(tmp_path)}, {}, "load")


@pytest.mark.parametrize(
    ("values", "said", "container"),
    [
        ({}, "", False),
        (IMAGE, "SERVER_IMAGE=redis:7", True),
        ({**IMAGE, "SERVER_COMMAND": "redis-server --save ''"}, "SERVER_IMAGE=redis:7", True),
        ({"SERVER_COMMAND": "sleep 5"}, "SERVER_COMMAND='sleep 5'", False),
    ],
)
def test_what_replaces_the_labs_server(values: dict[str, str], said: str, container: bool) -> None:
    settings = read(values, {"SERVER_PORT": "9000"}, "load")
    assert settings.user_server == said
    assert settings.own_server is not bool(said)
    assert user_server.in_container(values) is container


def test_folder_is_an_absolute_path(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    read({"SERVER_BUILD": "."}, {}, "load")
    assert user_server.build_folder({"SERVER_BUILD": "."}) == folder
    assert user_server.build_folder({}) == ""


def test_other_commands_take_the_settings_as_they_are() -> None:
    assert read({"SERVER_LISTEN": "7000"}, {}, "down")["SERVER_LISTEN"] == "7000"


@pytest.mark.parametrize(
    ("listen", "port", "address"),
    [("", 0, "tcp://server:7"), ("6379", 6379, "tcp://server:7"), ("tls:6380", 6380, "tls://server:7")],
)
def test_port_that_it_listens_on(listen: str, port: int, address: str) -> None:
    values = {"SERVER_LISTEN": listen}
    assert user_server.listen(values)[0] == port
    assert user_server.url("server", 7, values) == address


def test_command_has_the_port() -> None:
    assert user_server.words("serve --port={port} 'a b'", 7000) == ["serve", "--port=7000", "a b"]


def test_time_that_it_may_take_until_it_listens() -> None:
    assert read(IMAGE, {}).server_wait_seconds == user_server.READY_S
    assert read({**IMAGE, "WAIT": "2m"}, {}).server_wait_seconds == 120


def test_server_that_ended_at_once_is_one_line_with_what_to_do() -> None:
    line = "SERVER_IMAGE=redis:7 ended with exit code 1 before it could be loaded; its last lines are above"
    assert user_server.ended(IMAGE, 1, "bind: no\n") == line
    log = "mkdir: cannot create directory: Read-only file system\n"
    assert user_server.ended(IMAGE, 1, log) == (
        f"{line}; if it has to write its own files or to be root, add SERVER_WRITABLE=yes"
    )
    assert user_server.ended({**IMAGE, "SERVER_WRITABLE": "yes"}, 1, log) == line
    assert user_server.ended({**IMAGE, "SERVER_MEM": "30m"}, 137, log, out_of_memory=True) == (
        "SERVER_IMAGE=redis:7 was killed for lack of memory before it could be loaded: raise SERVER_MEM=30m"
    )
    assert user_server.ended(IMAGE, 0, "").endswith("ended with exit code 0 before it could be loaded; it said nothing")


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        (
            {"SERVER_COMMAND": "serve"},
            "write {port} into the command, or let the program read PORT, or set SERVER_LI",
        ),
        ({"SERVER_COMMAND": "serve {port}"}, "check its command; WAIT=2m waits longer"),
        ({"SERVER_COMMAND": "serve", "SERVER_LISTEN": "7"}, "correct SERVER_LISTEN; WAIT=2m"),
    ],
)
def test_server_that_does_not_listen(values: dict[str, str], remedy: str) -> None:
    said = user_server.not_listening(values, 7, 30)
    assert f"{user_server.description(values)} does not listen on port 7 of 127.0.0.1 after 30 s: {remedy}" in said
