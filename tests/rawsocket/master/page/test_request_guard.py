from typing import Any

import pytest
from flask import Flask

from rawsocket.master.page import request_guard

NAMES = ("localhost", "127.0.0.1", "[::1]", "master")
OWN = "127.0.0.1:8089"


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, None),
        ({"HTTP_HOST": "localhost:18089"}, None),
        ({"HTTP_HOST": "LocalHost"}, None),
        ({"HTTP_HOST": "[::1]:8089", "HTTP_ORIGIN": "http://[::1]:8089"}, None),
        ({"HTTP_ORIGIN": f"http://{OWN}", "HTTP_SEC_FETCH_SITE": "same-origin"}, None),
        ({"HTTP_HOST": "rebound.example:8089"}, "not a name of this page"),
        ({"HTTP_HOST": ""}, "without Host"),
        ({"HTTP_HOST": "[::2]:8089"}, "not a name"),
        ({"HTTP_ORIGIN": "http://evil.example"}, "comes from http://evil.example"),
        ({"HTTP_ORIGIN": "http://127.0.0.1:9999"}, "comes from"),
        ({"HTTP_ORIGIN": "null"}, "comes from null"),
        ({"HTTP_SEC_FETCH_SITE": "cross-site"}, "cross-site"),
        ({"HTTP_SEC_FETCH_SITE": "same-site"}, "same-site"),
    ],
)
def test_guard_refuses_foreign_requests_that_may_change_something(headers: dict[str, str], refused: str | None) -> None:
    reason = request_guard.refusal({"REQUEST_METHOD": "POST", "HTTP_HOST": OWN, **headers}, NAMES)
    assert (reason is None) if refused is None else (reason is not None and refused in reason)


def test_guard_allows_any_host_to_read() -> None:
    assert request_guard.refusal({"REQUEST_METHOD": "GET", "HTTP_HOST": "anything"}, NAMES) is None


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("tcp://server:8686", None),
        ("TCP://SERVER:8686/", None),
        ("", None),
        ("tcp://other:8686", "tcp://other:8686"),
        ("tcp://server:8687", "loads tcp://server:8686 only"),
        ("http://server", "tcp://"),
    ],
)
def test_form_accepts_only_the_target_of_the_lab(host: str, said: str | None) -> None:
    reason = request_guard.foreign(host, "tcp://server:8686")
    assert (reason is None) if said is None else (said in str(reason) and str(reason).startswith("target-refused: "))


def test_form_without_a_target_accepts_any_host() -> None:
    assert request_guard.foreign("tcp://anything:1", "") is None


@pytest.fixture
def page() -> Any:
    app = Flask("page")

    @app.route("/swarm", methods=["POST"])
    def swarm() -> str:
        return "started"

    @app.after_request
    def cors(response: Any) -> Any:
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    request_guard.install(app, NAMES, lambda request: request.form.get("refuse"), "/swarm")
    return app.test_client()


def test_cors_header_is_removed_and_security_headers_are_added(page: Any) -> None:
    answer = page.post("/swarm")
    assert (answer.status_code, answer.text) == (200, "started")
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_a_foreign_request_gets_403_and_one_line(page: Any) -> None:
    answer = page.post("/swarm", headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
    assert answer.text.count("\n") == 1
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_refused_start_gets_a_json_answer_for_the_page(page: Any) -> None:
    answer = page.post("/swarm", data={"refuse": "no room"})
    assert (answer.status_code, answer.json) == (200, {"success": False, "message": "no room"})
