"""TLS in a lab: TLS=yes encrypts the lab's own server; files that the caller names are found before anything starts.

Paths are those of this machine, made absolute here. Local processes read them as they are; into containers they are
mounted (lab/engines/docker/mounts.py).
"""

import os
from collections.abc import Mapping
from pathlib import Path

from lab.errors import UsageError
from lab.run.certificate import lab_certificate
from lab.settings import FILE_PER_USER, TLS_FILES, Settings


def prepared(settings: Settings, environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings with the files that server and workers read: the lab's own certificate with TLS=yes.

    Raises UsageError for a file that is not there, and for settings that contradict each other; LabError if no
    certificate can be made.
    """
    environ = os.environ if environ is None else environ
    names = [name for of_service in TLS_FILES.values() for name in of_service]
    given = {name: (settings.values.get(name) or environ.get(name, "")).strip() for name in names}
    files = {name: _absolute(name, text) for name, text in given.items()}
    if settings.encrypted and settings.user_server:
        raise UsageError(
            f"TLS=yes is for the lab's own server, which {settings.user_server} replaces: "
            "leave TLS out, and write SERVER_LISTEN=tls:PORT for a server that speaks TLS"
        )
    if settings.encrypted and settings["TARGET"]:
        raise UsageError(
            f"TLS=yes is for the lab's own server, which TARGET={settings['TARGET']} replaces: "
            "leave TLS out, and write TARGET=tls://... for a server that speaks TLS"
        )
    if files["SERVER_TLS_CERT"] and not settings.encrypted and settings.own_server:
        raise UsageError("SERVER_TLS_CERT makes the server speak TLS, and the load does not: add TLS=yes")
    if settings.encrypted and not files["SERVER_TLS_CERT"]:
        made = lab_certificate()
        files |= {"SERVER_TLS_CERT": str(made.cert), "SERVER_TLS_KEY": str(made.key)}
        files["TLS_CA"] = files["TLS_CA"] or str(made.ca)
    return Settings({**settings.values, **files}, settings.given)


def _absolute(name: str, text: str) -> str:
    if not text:
        return ""
    path = Path(text).expanduser().absolute()
    if FILE_PER_USER in text and name not in ("TLS_CERT", "TLS_KEY"):
        raise UsageError(f"{name}={text}: expected one file for all users; {FILE_PER_USER} is for TLS_CERT and TLS_KEY")
    first = path.with_name(path.name.replace(FILE_PER_USER, "0"))
    if not first.exists():
        of_user = f" for user 0, {first.name}" if first != path else ""
        raise UsageError(f"{name}={text}: there is no such file{of_user}; correct the path")
    return str(path)
