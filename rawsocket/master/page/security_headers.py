"""The headers that each answer of the page has, so that a browser runs and shows only what is the page's own. Pure.

- Nothing is loaded from another server, and no other site may show the page in a frame.
- Scripts of Locust's page run only with the nonce of that answer: text that got into it is never run as a script.
  Other answers (the reports) are files of ours with their scripts inside.
- Styles may be inline: Locust's page makes them in the browser.
"""

import re

CSP = "Content-Security-Policy"
_SCRIPT = re.compile(r"<script(?=[\s>])")


def policy(nonce: str = "") -> str:
    """Return the content security policy of an answer; `nonce`: of its scripts, "" if they may be inline."""
    scripts = f"'nonce-{nonce}'" if nonce else "'unsafe-inline'"
    return (
        f"default-src 'self'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )


def added(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the headers of an answer with those that it lacks."""
    there = {name.lower() for name, _ in headers}
    ours = {
        CSP: policy(),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return [*headers, *((name, value) for name, value in ours.items() if name.lower() not in there)]


def with_nonce(page: str, nonce: str) -> str:
    """Return the page, each of whose scripts has the nonce."""
    return _SCRIPT.sub(f'<script nonce="{nonce}"', page)
