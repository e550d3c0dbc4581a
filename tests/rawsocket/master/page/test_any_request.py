"""All routes of the page, Locust's and ours: no request meets an error of the program, no outsider changes anything."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rawsocket.master.page import malformed, request_guard
from tests.support.local_page import HOST, LocalPage, local_page
from tests.support.random_inputs import examples

SAFE = set(request_guard.SAFE)
OUTSIDERS: list[dict[str, str]] = [
    {"Host": "evil.example"},
    {"Host": HOST, "Origin": "http://evil.example"},
    {"Host": HOST, "Origin": "null"},
    {"Host": HOST, "Origin": "http://["},
    {"Host": HOST, "Sec-Fetch-Site": "cross-site"},
    {"Host": HOST, "Sec-Fetch-Site": "same-site"},
]


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalPage]:
    with local_page(monkeypatch) as page:
        yield page


# -- outsiders --------------------------------------------------------------------------------------------------------


def test_routes_that_change_something_are_known(page: LocalPage) -> None:
    """A new release of Locust, or a new route of ours, is looked at by a person."""
    changing = {path for path, methods in page.rules() if methods - SAFE}
    assert changing == {"/swarm", "/stop", "/stats/reset", "/user"}


@pytest.mark.parametrize("headers", OUTSIDERS)
def test_outsider_is_refused_on_every_route_by_every_changing_method(page: LocalPage, headers: dict[str, str]) -> None:
    before = page.snapshot()
    for path, methods in page.rules():
        for method in {*methods, "POST", "PUT", "PATCH", "DELETE", "TRACE", "post", "X"} - SAFE:
            answer = page.client.open(path, method=method, headers=headers, data={"user_count": "1", "spawn_rate": "1"})
            assert (answer.status_code, answer.text.count("\n")) == (403, 1), (path, method)
    assert page.snapshot() == before


@pytest.mark.parametrize("method", sorted(SAFE))
def test_no_route_changes_anything_for_a_method_that_only_reads(page: LocalPage, method: str) -> None:
    """Those are allowed for outsiders, whose answers a browser keeps from them."""
    before = page.snapshot()
    for path, _ in page.rules():
        answer = page.client.open(path, method=method, query_string="user_count=1&spawn_rate=1&download=1")
        assert answer.status_code < 500, path
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert page.snapshot() == before, path


def test_page_itself_may_start_stop_and_reset(page: LocalPage) -> None:
    own = {"Host": HOST, "Origin": f"http://{HOST}", "Sec-Fetch-Site": "same-origin"}
    form = {"user_count": "1", "spawn_rate": "1"}
    assert page.client.post("/swarm", headers=own, data=form).get_json()["success"] is True
    page.settle()
    assert page.client.post("/stop", headers=own).status_code == 200
    assert page.client.post("/stats/reset", headers=own).status_code == 200
    assert page.called == ["start", "stop", "reset"]


# -- requests of any shape --------------------------------------------------------------------------------------------

FIELDS = (*malformed.OF_A_START, "every", "max_p99_ms", "topic", "sizes", "stop_timeout", "headless", "x")
VALUES = (
    "", "0", "1", "-1", "5", "+5", " 5", "5_0", "1e3", "nan", "inf", "-inf", "1e-300", "1e300", "\u00b2", "\u0665",
    "9" * 40, "9" * 5000, "20s", "1h", "99999999999999h", "9" * 400 + "s", "true", "1,x", "tcp://server:8686",
    "http://[", "tcp://x\r\ny", "\u20ac", "\x00", "None", "[]", "login=5",
)  # fmt: skip
TEXTS = st.text(st.characters(min_codepoint=1, max_codepoint=0x2FFF, exclude_categories=("Cs",)), max_size=12)
FORMS = st.dictionaries(st.sampled_from(FIELDS) | TEXTS, st.sampled_from(VALUES) | TEXTS, max_size=6)
LATIN = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_categories=("Cc",)), max_size=20)
HEADERS = st.dictionaries(
    st.sampled_from(("Origin", "Host", "Sec-Fetch-Site", "Content-Type", "Cookie", "If-None-Match", "Range", "Accept")),
    LATIN | st.sampled_from((HOST, "localhost", "[", "http://[", "multipart/form-data", "application/json")),
    max_size=3,
)
PATHS = st.sampled_from(
    ("/", "/swarm", "/stop", "/user", "/stats/reset", "/stats/report", "/stats/requests", "/stats/requests/csv",
     "/stats/failures/csv", "/exceptions", "/exceptions/csv", "/tasks", "/logs", "/login", "/worker-count", "/metrics",
     "/lab/healthz", "/lab/state.json", "/lab/timeline.json", "/lab/artefacts.zip", "/lab/files/verdict.json",
     "/lab/files/..%2f..%2fetc%2fpasswd", "/assets/../web.py", "/assets/%00", "/stats/requests_full_history/csv")
) | st.builds("/{}/{}".format, st.sampled_from(("lab", "lab/files", "assets", "stats", "")), LATIN)  # fmt: skip
METHODS = st.sampled_from(("GET", "HEAD", "OPTIONS", "POST", "POST", "POST", "PUT", "DELETE"))
USERS = st.recursive(
    st.none() | st.integers() | TEXTS, lambda inner: st.dictionaries(st.sampled_from(malformed.OF_A_USER), inner)
)
BODIES = st.one_of(FORMS.map(lambda form: {"data": form}), st.binary(max_size=30).map(lambda body: {"data": body}),
                   USERS.map(lambda body: {"json": body}))  # fmt: skip
SETTINGS = settings(
    max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def _ask(page: LocalPage, caplog: pytest.LogCaptureFixture, path: str, method: str = "POST", **more: Any) -> Any:
    caplog.clear()
    # As a server gives it: a client of tests reads it as an address, in which `//[` has no meaning.
    raw = {"PATH_INFO": unquote_to_bytes(path).decode("latin-1")}
    answer = page.client.open("/", method=method, environ_overrides=raw, **more)
    page.settle()
    assert answer.status_code < 500, (answer.status, answer.text)
    assert "Traceback (most recent call last)" not in answer.text
    assert [record for record in caplog.records if record.exc_info] == []
    return answer


@SETTINGS
@example(path="//[", method="GET", headers={"Host": HOST}, query="", body={"data": {}})
@example(path="/swarm", method="POST", headers={"Host": HOST, "Origin": "http://["}, query="", body={"data": {}})
@example(path="/user", method="POST", headers={"Host": HOST}, query="", body={"data": b"\xff"})
@example(path="/user", method="POST", headers={"Host": HOST}, query="", body={"json": {"user_class_name": "Hold"}})
@given(path=PATHS, method=METHODS, headers=HEADERS, query=LATIN, body=BODIES)
def test_any_request_is_answered_without_an_error(
    page: LocalPage, caplog: pytest.LogCaptureFixture, path: str, method: str, headers: Any, query: str, body: Any
) -> None:
    path = path.replace("?", "")  # the query is given by itself
    _ask(page, caplog, path, method, headers={"Host": HOST} | headers, query_string=query, **body)


@SETTINGS
@example(form={"user_count": "\u00b2", "spawn_rate": "1"})
@example(form={"user_count": "5", "spawn_rate": "1e-300"})
@example(form={"user_count": "5", "spawn_rate": "1", "run_time": "99999999999999h"})
@example(form={"user_count": "5", "spawn_rate": "1", "stop_timeout": "x"})
@example(form={"user_count": "5", "spawn_rate": "1", "sizes": "1,x"})
@example(form={"user_count": "5", "spawn_rate": "1", "host": "tcp://x\r\ny"})
@given(form=FORMS)
def test_any_form_starts_a_run_or_is_answered_with_a_sentence(
    page: LocalPage, caplog: pytest.LogCaptureFixture, form: dict[str, str]
) -> None:
    asked = {"user_count": "5", "spawn_rate": "1"} | form
    answer = _ask(page, caplog, "/swarm", data=asked, headers={"Host": HOST})
    told = answer.get_json()
    assert told["success"] is True or "\n" not in told["message"]
    if told["success"]:
        assert float(asked["spawn_rate"]) >= malformed.LEAST_RATE
    assert vars(page.bench.controller.environment.parsed_options)["stop_timeout"] == 0.0
