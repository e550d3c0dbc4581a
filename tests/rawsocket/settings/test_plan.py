from types import SimpleNamespace

import pytest

from rawsocket.settings.plan import UsageError, from_environ, from_options, read_setting, tls_settings, without_empty

SCENARIOS = ["closed", "hold"]


def test_settings_of_tls_have_the_names_of_its_attributes():
    unset = {"ca": None, "name": None, "cert": None, "key": None, "verify": True}
    assert tls_settings({"TLS_NAME": ""}) == unset
    given = {"TLS_CA": "a.pem", "TLS_NAME": "n", "TLS_CERT": "c.pem", "TLS_KEY": "k.pem", "TLS_VERIFY": "no"}
    assert tls_settings(given) == {"ca": "a.pem", "name": "n", "cert": "c.pem", "key": "k.pem", "verify": False}


def test_plan_without_settings_has_the_defaults() -> None:
    plan = from_environ({}, SCENARIOS)
    assert (plan.users, plan.rate, plan.time_s, plan.workers, plan.scenario) == (800, 200.0, 60.0, 2, "hold")
    assert (plan.headless, plan.min_held, plan.target) == (False, None, "tcp://server:8686")
    assert (plan.server_admin, plan.page_host, plan.page_port) == ("http://server:8687", "127.0.0.1", 8089)
    assert "localhost" in plan.page_names


def test_an_empty_value_counts_as_unset() -> None:
    assert from_environ({"USERS": "", "MIN_HELD": " ", "EVERY": "", "HEADLESS": ""}, SCENARIOS) == from_environ(
        {}, SCENARIOS
    )
    assert without_empty({"A": "", "B": "x"}) == {"B": "x"}


def test_plan_reads_settings_from_the_environment() -> None:
    given = {"USERS": "5", "RATE": "2.5", "TIME": "1m30s", "WORKERS": "0", "HEADLESS": "true", "MIN_HELD": "5"}
    plan = from_environ({**given, "EVERY": "0", "MAX_FAILURES": "-1"}, SCENARIOS)
    assert (plan.users, plan.rate, plan.time_s, plan.workers) == (5, 2.5, 90.0, 0)
    assert (plan.headless, plan.min_held) == (True, 5)
    assert plan.options == {"every": 0.0, "max_failures": "-1", "min_held": 5}


def test_target_replaces_the_server_and_has_no_admin_port() -> None:
    plan = from_environ({"TARGET": "tcp://[::1]:9000"}, SCENARIOS)
    assert (plan.target, plan.server_admin) == ("tcp://[::1]:9000", "")


def test_empty_admin_address_means_no_admin_port() -> None:
    assert from_environ({"HOLDFAST_SERVER_ADMIN": ""}, SCENARIOS).server_admin == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"USERS": "none"}, "USERS='none'"),
        ({"USERS": "0"}, "at least 1"),
        ({"RATE": "0"}, "above 0"),
        ({"RATE": "nan"}, "above 0"),
        ({"TIME": "soon"}, "60s, 2m or 1h30m"),
        ({"TIME": "0s"}, "above zero"),
        ({"WORKERS": "-1"}, "WORKERS='-1'"),
        ({"SCENARIO": "storm"}, "one of closed, hold"),
        ({"TARGET": "http://x"}, "tcp://host:port"),
        ({"HEADLESS": "perhaps"}, "true or false"),
        ({"EVERY": "-1"}, "EVERY"),
        ({"APP": "quake"}, "APP"),
        ({"MAX_P99_MS": "fast"}, "MAX_P99_MS"),
        ({"HOLDFAST_PAGE_PORT": "70000"}, "from 0 to 65535"),
    ],
)
def test_invalid_setting_is_a_one_line_error(given: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=r"\A[^\n]+\Z") as raised:
        from_environ(given, SCENARIOS)
    assert said in str(raised.value)


def test_read_setting_reads_one_setting() -> None:
    assert read_setting({"HOLDFAST_MIN_LIFE_S": "8"}, "HOLDFAST_MIN_LIFE_S") == 8.0
    assert read_setting({"HOLDFAST_MIN_LIFE_S": ""}, "HOLDFAST_MIN_LIFE_S") == 0.0
    assert read_setting({}, "SOURCES") is None
    with pytest.raises(UsageError, match="SOURCES='here' is not valid"):
        read_setting({"SOURCES": "here"}, "SOURCES")


def test_plan_of_plain_locust_comes_from_its_options() -> None:
    parsed = SimpleNamespace(
        locustfile="mine.py", num_users=7, spawn_rate=3.0, run_time=20, headless=True, expect_workers=4
    )
    plan = from_options(parsed, {"HOLDFAST_RUNS": "/tmp/x"}, master=True)
    assert (plan.users, plan.rate, plan.time_s, plan.workers) == (7, 3.0, 20, 4)
    assert (plan.headless, plan.ours, plan.runs, plan.target) == (True, False, "/tmp/x", "")
    assert from_options(parsed, {}, master=False).workers == 1


def test_page_that_is_published_needs_a_password() -> None:
    published = {"HOLDFAST_PAGE_PUBLISHED": "0.0.0.0"}
    with pytest.raises(
        UsageError, match=r"^PAGE_HOST=0.0.0.0 lets others reach the page, .*: set PAGE_PASSWORD as well"
    ):
        from_environ(published, SCENARIOS)
    plan = from_environ({**published, "HOLDFAST_PAGE_PASSWORD": "twelve chars"}, SCENARIOS)
    assert (plan.page_user, plan.page_password) == ("holdfast", "twelve chars")
    assert "twelve" not in repr(plan)
    assert from_environ({"HOLDFAST_PAGE_PUBLISHED": "127.0.0.1", "HOLDFAST_PAGE_HOST": "0.0.0.0"}, SCENARIOS)
