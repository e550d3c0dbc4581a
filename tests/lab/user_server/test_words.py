import pytest

from lab.user_server import settings as user_server
from lab.user_server import words

IMAGE = {"SERVER_IMAGE": "redis:7", "SERVER_MEM": "30m"}


def test_server_that_ended_at_once_is_one_line_with_what_to_do() -> None:
    line = "SERVER_IMAGE=redis:7 ended with exit code 1 before it could be loaded; its last lines are above"
    assert words.ended(IMAGE, 1, "bind: no\n") == line
    log = "mkdir: cannot create directory: Read-only file system\n"
    assert words.ended(IMAGE, 1, log) == (
        f"{line}; if it has to write its own files or to be root, add SERVER_WRITABLE=yes"
    )
    assert words.ended({**IMAGE, "SERVER_WRITABLE": "yes"}, 1, log) == line
    assert words.ended(IMAGE, 0, "").endswith("ended with exit code 0 before it could be loaded; it said nothing")


def test_server_that_lacked_memory_at_once() -> None:
    assert words.ended(IMAGE, 137, "", out_of_memory=True) == (
        "SERVER_IMAGE=redis:7 was killed for lack of memory before it could be loaded: raise SERVER_MEM=30m"
    )


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ({"SERVER_COMMAND": "serve"}, "write {port} into the command, or let the program read PORT, or set SERVER_LI"),
        ({"SERVER_COMMAND": "serve {port}"}, "check its command; WAIT=2m waits longer"),
        ({"SERVER_COMMAND": "serve", "SERVER_LISTEN": "7"}, "correct SERVER_LISTEN; WAIT=2m"),
    ],
)
def test_server_that_does_not_listen(values: dict[str, str], remedy: str) -> None:
    said = words.not_listening(values, 7, 30)
    assert f"{user_server.description(values)} does not listen on port 7 of 127.0.0.1 after 30 s: {remedy}" in said
