"""Values of the lab's settings: which are accepted, and what is said of the others."""

import pytest

from lab import settings
from lab.errors import UsageError
from lab.settings import read

GOOD = [
    ("USERS", "1"),
    ("RATE", "0.5"),
    ("TIME", "1h30m"),
    ("WORKERS", "1"),
    ("SCENARIO", "churn"),
    ("EVERY", "0"),
    ("TARGET", "tcp://[2001:db8::1]:9000"),
    ("WAIT", "30s"),
    ("MODEL", "epoll"),
    ("PACE", "closed"),
    ("ARRIVALS", "poisson"),
    ("MAX_LAG_MS", "1000"),
    ("SOURCES", "127.0.0.2"),
    ("SOURCES", "10.0.0.5, ::1"),
    ("MIN_HELD", "0"),
    ("MAX_FAILURES", "-1"),
    ("MAX_FAILURES", "0.1%"),
    ("MAX_FAILURES", "login=0.1%, 5"),
    ("MAX_P99_MS", "login=3000,ping=50"),
    ("MAX_P99_9_MS", "1000,login=3000"),
    ("MIN_MESSAGES_S", "500,push=100"),
    ("MAX_CONNECTIONS", "1"),
    ("PROCESSES", "auto"),
    ("PROCESSES", "1000"),
    ("SERVER_MEM", "1.5G"),
    ("WORKER_MEM", "512mb"),
    ("WORKER_MEM", "0"),
]

BAD = [
    ("USERS", "0"),
    ("USERS", "many"),
    ("USERS", "1.5"),
    ("RATE", "0"),
    ("RATE", "inf"),
    ("RATE", "nan"),
    ("TIME", "soon"),
    ("TIME", "0s"),
    ("TIME", "-5"),
    ("WORKERS", "0"),
    ("WORKERS", "1001"),
    ("SCENARIO", "nothing"),
    ("SCENARIO", "../hold"),
    ("EVERY", "-1"),
    ("EVERY", "86401"),
    ("SIZE", "0"),
    ("TIMEOUT", "0"),
    ("TARGET", "10.0.0.5:9000"),
    ("TARGET", "http://10.0.0.5:9000"),
    ("TARGET", "tcp://10.0.0.5"),
    ("TARGET", "tcp://10.0.0.5:0"),
    ("TARGET", "tcp://10.0.0.5:65536"),
    ("TARGET", "tcp://::1:9000"),
    ("MODEL", "threads"),
    ("PACE", "slow"),
    ("ARRIVALS", "random"),
    ("MAX_LAG_MS", "0"),
    ("SOURCES", "localhost"),
    ("SOURCES", "10.0.0.5,"),
    ("SOURCES", "10.0.0.256"),
    ("APP", "ECHO"),
    ("FRAMING", "lines"),
    ("MAX_CONNECTIONS", "0"),
    ("PROCESSES", "0"),
    ("PROCESSES", "1001"),
    ("PROCESSES", "all"),
    ("PAGE_PORT", "65536"),
    ("SERVER_PORT", "0"),
    ("ENGINE", "podman"),
    ("SERVER_CPUS", "-1"),
    ("SERVER_MEM", "1x"),
    ("WORKER_MEM", "-1g"),
    ("WORKER_MEM", "all"),
    ("MIN_HELD", "-1"),
    ("MAX_FAILURES", "-2"),
    ("MAX_FAILURES", "101%"),
    ("MAX_FAILURES", "login=%"),
    ("MAX_P99_MS", "-1"),
    ("MAX_P99_MS", "5%"),
    ("MAX_P99_MS", "login="),
    ("MAX_P99_MS", "login=fast"),
    ("MAX_P99_MS", "=5"),
    ("MAX_P99_MS", "5,"),
    ("MAX_P99_MS", "5,6"),
    ("MAX_P95_MS", "login=5,login=6"),
    ("MAX_SILENT_CONNECTIONS", "-2"),
    ("MIN_MESSAGES_S", "x"),
]


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_values_that_fit(name: str, value: str) -> None:
    assert read({name: value}, {})[name] == value


@pytest.mark.parametrize(("name", "value"), BAD)
@pytest.mark.parametrize("source", ["flag", "variable"])
def test_a_value_that_does_not_fit_is_one_line_that_says_what_to_do(name: str, value: str, source: str) -> None:
    with pytest.raises(UsageError) as error:
        read({name: value}, {}) if source == "flag" else read({}, {name: value})
    text = str(error.value)
    flag = "--" + name.lower().replace("_", "-")
    assert f"{name}={value!r}" in text
    assert "expected" in text
    assert text.endswith(f"Set {name} or {flag}.")
    assert "\n" not in text


def test_a_port_out_of_range_is_an_error_that_gives_the_range() -> None:
    with pytest.raises(UsageError, match="its port must be a number from 1 to 65535"):
        read({"TARGET": "tcp://127.0.0.1:99999"}, {})


@pytest.mark.parametrize("verb", ["up", "load", "status"])
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])
def test_page_on_another_address_is_refused_without_a_password(host: str, verb: str) -> None:
    said = rf"^PAGE_HOST={host} lets others reach the page, .*: set PAGE_PASSWORD as well "
    with pytest.raises(UsageError, match=said):
        settings.read({"PAGE_HOST": host}, {}, verb)
    chosen = settings.read({"PAGE_HOST": host}, {"PAGE_PASSWORD": "twelve chars"}, verb)
    assert "twelve chars" not in str(chosen.values)  # nothing that is written down has it


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8089"),
        ("0.0.0.0", "http://127.0.0.1:8089"),
        ("::", "http://[::1]:8089"),
        ("[::1]", "http://[::1]:8089"),
        ("192.0.2.7", "http://192.0.2.7:8089"),
    ],
)
def test_address_of_the_page_for_this_machine_itself(host: str, address: str) -> None:
    assert settings.read({"PAGE_HOST": host}, {"PAGE_PASSWORD": "twelve chars"}).page == address


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"PAGE_HOST": "lab.example"}, "expected an IP address of this machine, such as 0.0.0.0 for all of them"),
        (
            {"PAGE_HOST": "0.0.0.0", "PAGE_PASSWORD": "short"},
            "PAGE_PASSWORD=(secret) is not valid: expected at least 12",
        ),
    ],
)
def test_host_or_password_of_the_page_that_cannot_be_used(given: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as found:
        settings.read({}, given)
    assert said in str(found.value)
    assert "short" not in str(found.value)


@pytest.mark.parametrize("verb", ["up", "load", "ci"])
def test_messages_that_the_labs_server_does_not_accept_are_refused(verb: str) -> None:
    line = "SIZE=65537 is above the 65536 bytes that the lab's server accepts in a message: lower SIZE, or set"
    with pytest.raises(UsageError, match=f"^{line} SERVER_MAX_MESSAGE=65537$"):
        read({"SIZE": "65537"}, {}, verb)


@pytest.mark.parametrize(
    ("values", "environ", "verb"),
    [
        ({"SIZE": "65536"}, {}, "ci"),
        ({"SIZE": "100000"}, {"SERVER_MAX_MESSAGE": "100000"}, "ci"),
        ({"SIZE": "100000", "TARGET": "tcp://a:1"}, {}, "ci"),
        ({"SIZE": "100000", "FRAMING": "chunk"}, {}, "ci"),
        ({"SIZE": "100000"}, {}, "down"),
        ({"SIZE": "100000"}, {"SERVER_MAX_MESSAGE": "much"}, "ci"),  # the server says what is wrong with it
    ],
)
def test_sizes_that_are_not_refused(values: dict[str, str], environ: dict[str, str], verb: str) -> None:
    assert read(values, environ, verb)["SIZE"] == values["SIZE"]


@pytest.mark.parametrize("name", ["My Lab!", "Lab", "-lab"])
def test_a_project_that_compose_would_rename_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"^HOLDFAST_PROJECT='.*' is not valid: expected lower-case letters"):
        settings.from_environment("HOLDFAST_PROJECT", {"HOLDFAST_PROJECT": name})
