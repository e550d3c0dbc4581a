"""The certificate and the key of a server: used, or refused with one line."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from server.settings import UsageError
from server.system.tls import server_context
from tests.support.tls import certificate


def test_a_certificate_and_its_key_are_used_from_tls_1_2_on() -> None:
    context = server_context(str(certificate().cert), str(certificate().key))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION


@pytest.mark.parametrize(("missing", "flag"), [("cert", "--tls-cert"), ("key", "--tls-key")])
def test_a_missing_file_is_named(tmp_path: Path, missing: str, flag: str) -> None:
    files = {"cert": str(certificate().cert), "key": str(certificate().key), missing: str(tmp_path / "none.pem")}
    with pytest.raises(UsageError, match=rf"^{flag} \S+none.pem: can't be read \(No such file or directory\)"):
        server_context(files["cert"], files["key"])


def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    (other := tmp_path / "other.pem").write_text("not a certificate\n")
    with pytest.raises(UsageError, match="not in PEM format"):
        server_context(str(other), str(certificate().key))


def test_the_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    from lab.run.certificate import lab_certificate

    with pytest.raises(UsageError, match="the key belongs to another certificate"):
        server_context(str(certificate().cert), str(lab_certificate(tmp_path / "tls").key))
