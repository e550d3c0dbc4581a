"""The page behind a login, where it is published: Locust's login page for a browser, HTTP's own login for programs.

Rules:

- One name and one password, from the settings of this process. They are compared in constant time, and each wrong one
  costs a second.
- A browser gets a session cookie, which no other site can use (SameSite) and no script can read. It is signed with a
  key of this process: a new master asks again.
- Everything but the login page, its files and /lab/healthz needs the login.
- The page's own names are not checked: under a foreign name (DNS rebinding) a browser has no cookie to send.
"""

import hmac
import secrets
from typing import Any

import gevent
from flask import Blueprint, Request, Response, redirect, request, session, url_for
from flask_login import UserMixin, current_user, login_user
from locust.web import WebUI

WRONG_S = 1.0  # seconds that a wrong password costs
OPEN = ("/lab/healthz", "/login", "/lab/login")  # and /assets/...


class Person(UserMixin):
    """Whoever knows the password."""

    def __init__(self, name: str) -> None:
        self.id = name


class Login:
    """Checks names and passwords."""

    def __init__(self, name: str, password: str) -> None:
        self._name, self._password = name, password

    def person(self, name: str | None, password: str | None) -> Person | None:
        """Return the person with this name and password, None if either is wrong."""
        same = [
            hmac.compare_digest(str(given or "").encode(), own.encode())
            for given, own in ((name, self._name), (password, self._password))
        ]
        if all(same):
            return Person(self._name)
        gevent.sleep(WRONG_S)
        return None

    def known(self, name: str) -> Person | None:
        """Return the person that a session cookie names."""
        return Person(name) if name == self._name else None

    def of_program(self, asked: Request) -> Person | None:
        """Return the person that a request names by HTTP's own login."""
        try:
            given = asked.authorization
        except ValueError:  # bytes that are no base64
            return None
        if given is None or given.type != "basic":
            return None
        return self.person(given.username, given.password)


def install(web_ui: WebUI, name: str, password: str, prefix: str) -> None:
    """Ask for name and password; Locust was started with --web-login."""
    app = web_ui.app
    assert app is not None
    login = Login(name, password)
    app.secret_key = secrets.token_bytes(32)
    app.config.update(SESSION_COOKIE_SAMESITE="Strict", SESSION_COOKIE_HTTPONLY=True)
    manager: Any = web_ui.login_manager
    manager.user_loader(login.known)
    manager.request_loader(login.of_program)
    web_ui.auth_args = {"username_password_callback": f"{prefix}/lab/login"}
    blueprint = Blueprint("holdfast_login", __name__, url_prefix=prefix or None)

    @blueprint.route("/lab/login", methods=["POST"])
    def enter() -> Any:
        person = login.person(request.form.get("username"), request.form.get("password"))
        if person is None:
            session["auth_error"] = "name or password is wrong"
            return redirect(url_for("locust.login"))
        login_user(person)
        return redirect(url_for("locust.index"))

    @app.before_request
    def demand() -> Response | None:
        """Locust asks for the login on each of its routes; this asks for it on all others as well."""
        path = request.path.removeprefix(prefix)
        if path in OPEN or path.startswith("/assets/") or _is_in():
            return None
        if path == "/":
            return None  # Locust shows its login page
        return Response("log in first\n", 401, {"WWW-Authenticate": 'Basic realm="Holdfast"'}, mimetype="text/plain")

    app.register_blueprint(blueprint)


def _is_in() -> bool:
    return bool(current_user.is_authenticated)
