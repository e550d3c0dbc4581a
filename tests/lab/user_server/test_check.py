"""Each misuse is one line. `read` calls these checks."""

from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.settings import read

IMAGE = {"SERVER_IMAGE": "redis:7"}


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
        ({"SERVER_COMMAND": "''"}, {}, "SERVER_COMMAND='': there is no program '' that can be run"),
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


def test_other_commands_take_the_settings_as_they_are() -> None:
    assert read({"SERVER_LISTEN": "7000"}, {}, "down")["SERVER_LISTEN"] == "7000"


def test_published_port_is_a_setting_of_the_lab() -> None:
    assert read(IMAGE, {"SERVER_PORT": "9000"}, "load")["SERVER_PORT"] == "9000"


def test_size_that_the_labs_server_would_refuse_is_for_the_users_server_to_judge() -> None:
    assert read({**IMAGE, "SIZE": "70000"}, {}, "load")["SIZE"] == "70000"
