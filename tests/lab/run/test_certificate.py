"""The certificate that the lab makes for its own server, with the real openssl command."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.run import certificate as module
from lab.run.certificate import lab_certificate

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is missing")


def test_the_authority_verifies_the_certificate_and_only_the_three_files_remain(tmp_path: Path) -> None:
    made = lab_certificate(tmp_path / "lab" / "tls")
    subprocess.run(
        ["openssl", "verify", "-x509_strict", "-CAfile", made.ca, made.cert], check=True, capture_output=True
    )
    assert sorted(path.name for path in made.ca.parent.iterdir()) == ["ca.pem", "cert.pem", "key.pem"]
    assert [path.name for path in made.ca.parent.parent.iterdir()] == ["tls"]
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(made.cert, made.key)


@pytest.mark.parametrize("name", ["localhost", "server", "127.0.0.1"])
def test_the_certificate_is_for_the_names_of_the_lab(tmp_path: Path, name: str) -> None:
    made = lab_certificate(tmp_path / "tls")
    option = "-verify_ip" if name[0].isdigit() else "-verify_hostname"
    subprocess.run(["openssl", "verify", option, name, "-CAfile", made.ca, made.cert], check=True, capture_output=True)


def test_a_valid_certificate_is_used_again_and_an_expiring_one_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = lab_certificate(tmp_path / "tls").cert.read_text()
    assert lab_certificate(tmp_path / "tls").cert.read_text() == first
    monkeypatch.setattr(module, "SECONDS_LEFT", (module.DAYS + 1) * 24 * 3600)
    assert lab_certificate(tmp_path / "tls").cert.read_text() != first


def test_an_unfinished_folder_is_replaced(tmp_path: Path) -> None:
    lab_certificate(tmp_path / "tls").key.unlink()
    assert lab_certificate(tmp_path / "tls").key.exists()


def test_a_missing_openssl_is_one_line_that_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match="install openssl, or name a certificate of your own"):
        lab_certificate(tmp_path / "tls")
