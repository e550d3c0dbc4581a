from pathlib import Path

import pytest

from lab import tls
from lab.errors import UsageError
from lab.run.certificate import Certificate
from lab.settings import read


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Certificate:
    """The lab's own certificate, not really made."""
    certificate = Certificate(*(tmp_path / f"{name}.pem" for name in ("ca", "cert", "key")))
    monkeypatch.setattr(tls, "lab_certificate", lambda: certificate)
    return certificate


def _file(folder: Path, name: str) -> str:
    (folder / name).touch()
    return str(folder / name)


def test_without_tls_no_certificate_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "lab_certificate", lambda: pytest.fail("made"))
    values = tls.prepared(read({}, {}), {}).values
    assert [values[name] for name in ("SERVER_TLS_CERT", "TLS_CA")] == ["", ""]


def test_the_certificate_of_the_lab_reaches_server_and_workers(made: Certificate) -> None:
    values = tls.prepared(read({"TLS": "yes"}, {}), {}).values
    assert (values["SERVER_TLS_CERT"], values["SERVER_TLS_KEY"]) == (str(made.cert), str(made.key))
    assert values["TLS_CA"] == str(made.ca)


def test_a_certificate_of_the_callers_own_is_used_instead(made: Certificate, tmp_path: Path) -> None:
    own = {"SERVER_TLS_CERT": _file(tmp_path, "mine.pem"), "SERVER_TLS_KEY": _file(tmp_path, "mine-key.pem")}
    values = tls.prepared(read({"TLS": "yes"}, {}), own).values
    assert {name: values[name] for name in own} == own
    assert values["TLS_CA"] == ""


def test_paths_become_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    _file(tmp_path, "ca.pem")
    _file(tmp_path, "device-0.pem")
    settings = read({"TLS_CA": "ca.pem", "TLS_CERT": "device-{number}.pem", "TARGET": "tls://a:1"}, {})
    values = tls.prepared(settings, {}).values
    assert (values["TLS_CA"], values["TLS_CERT"]) == (f"{tmp_path}/ca.pem", f"{tmp_path}/device-{{number}}.pem")


@pytest.mark.parametrize(
    ("flags", "environ", "line"),
    [
        ({"TLS_CA": "/nowhere/ca.pem"}, {}, "TLS_CA=/nowhere/ca.pem: there is no such file; correct the path"),
        (
            {"TLS_CERT": "/nowhere/{number}.pem"},
            {},
            r"TLS_CERT=/nowhere/\{number\}.pem: there is no such file for user 0, 0.pem; correct the path",
        ),
        ({"TLS_CA": "/nowhere/{number}.pem"}, {}, r"TLS_CA=/nowhere/\{number\}.pem: expected one file for all users; "),
        ({"TLS": "yes", "TARGET": "tcp://a:1"}, {}, "TLS=yes is for the lab's own server, which TARGET=tcp://a:1"),
        ({}, {"SERVER_TLS_CERT": __file__}, "SERVER_TLS_CERT makes the server speak TLS, .*: add TLS=yes"),
    ],
)
def test_what_can_not_be_used_is_one_line(flags: dict[str, str], environ: dict[str, str], line: str) -> None:
    with pytest.raises(UsageError, match=f"^{line}"):
        tls.prepared(read(flags, {}), environ)


def test_tls_is_for_the_labs_own_server_alone() -> None:
    with pytest.raises(UsageError, match="which SERVER_IMAGE=redis:7 replaces: leave TLS out, and write SERVER_LI"):
        tls.prepared(read({"TLS": "yes", "SERVER_IMAGE": "redis:7"}, {}), {})
