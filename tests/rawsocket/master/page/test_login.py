import base64
import re
from collections.abc import Iterator

import pytest

from rawsocket.master.page import login
from tests.support.local_page import LocalPage, local_page

PASSWORD = "correct horse battery"
FORM = {"username": "holdfast", "password": PASSWORD}
START = {"user_count": "1", "spawn_rate": "1"}


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalPage]:
    monkeypatch.setattr(login, "WRONG_S", 0.0)
    with local_page(monkeypatch, PASSWORD) as page:
        yield page


def _basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


def test_nothing_but_the_login_page_and_health_is_open(page: LocalPage) -> None:
    before = page.snapshot()
    for path, methods in page.rules():
        for method in methods - {"OPTIONS"}:
            answer = page.client.open(path, method=method, data=START if method == "POST" else None)
            if path in ("/lab/healthz", "/login") or path.startswith("/assets/"):
                assert answer.status_code in (200, 404), path
            elif path == "/" or path == "/lab/login":
                assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (302, "/login")
            else:
                assert answer.status_code == 401, path
                assert answer.headers["WWW-Authenticate"] == 'Basic realm="Holdfast"'
    assert page.snapshot() == before


def test_login_page_lets_a_browser_in_by_a_cookie_that_no_other_site_can_use(page: LocalPage) -> None:
    assert '"username_password_callback": "/lab/login"' in page.client.get("/login").text
    answer = page.client.post("/lab/login", data=FORM)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    cookie = answer.headers["Set-Cookie"]
    assert re.search(r"HttpOnly.*SameSite=Strict", cookie)
    assert page.client.get("/lab/state.json").status_code == 200
    assert page.client.get("/").status_code == 200
    assert page.client.post("/swarm", data=START).get_json()["success"] is True
    assert page.client.post("/swarm", data=START, headers={"Origin": "http://evil.example"}).status_code == 403


@pytest.mark.parametrize(
    "form", [FORM | {"password": "wrong"}, FORM | {"username": "x"}, {}, FORM | {"password": "\u20ac"}]
)
def test_wrong_name_or_password_is_told_on_the_login_page(page: LocalPage, form: dict[str, str]) -> None:
    assert page.client.post("/lab/login", data=form).headers["Location"] == "/login"
    assert "name or password is wrong" in page.client.get("/login").text
    assert page.client.get("/lab/state.json").status_code == 401


def test_program_logs_in_with_each_request_under_any_name_of_the_machine(page: LocalPage) -> None:
    headers = _basic("holdfast", PASSWORD) | {"Host": "lab.example:8089"}
    assert page.client.get("/metrics", headers=headers).status_code == 200
    assert page.client.post("/swarm", data=START, headers=headers).get_json()["success"] is True
    for wrong in (
        _basic("holdfast", "x"),
        _basic("x", PASSWORD),
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic \xff"},
    ):
        assert page.client.get("/metrics", headers=wrong).status_code == 401


def test_cookie_of_another_master_is_worth_nothing(page: LocalPage, monkeypatch: pytest.MonkeyPatch) -> None:
    page.client.post("/lab/login", data=FORM)
    page.app.secret_key = b"another"
    assert page.client.get("/lab/state.json").status_code == 401


def test_wrong_password_costs_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(login.gevent, "sleep", slept.append)
    made = login.Login("a", "b")
    assert (made.person("a", "c"), made.person(None, None)) == (None, None)
    assert slept == [1.0, 1.0]
    assert made.person("a", "b")
    assert (made.known("a") is not None, made.known("x")) == (True, None)
