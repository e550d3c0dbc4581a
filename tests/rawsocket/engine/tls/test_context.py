import ssl
import subprocess
from pathlib import Path

import pytest

from rawsocket.engine.tls.configuration import Tls
from rawsocket.engine.tls.context import context_for
from tests.support import certificates


def test_equal_settings_share_a_context():
    tls = Tls(ca=certificates.authority().ca)
    assert context_for(tls) is context_for(Tls(ca=certificates.authority().ca))
    assert context_for(tls) is not context_for(Tls(ca=certificates.authority().ca, minimum="1.3"))


def test_changed_file_makes_a_new_context(tmp_path: Path):
    path = tmp_path / "ca.pem"
    path.write_bytes(Path(certificates.authority("one").ca).read_bytes())
    first = context_for(Tls(ca=str(path)))
    path.write_bytes(Path(certificates.authority("another").ca).read_bytes() + b"\n")
    assert context_for(Tls(ca=str(path))) is not first


def test_certificates_are_verified_unless_that_is_turned_off():
    checked, unchecked = context_for(Tls()).ssl, context_for(Tls(verify=False)).ssl
    assert (checked.verify_mode, checked.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (unchecked.verify_mode, unchecked.check_hostname) == (ssl.CERT_NONE, False)


def test_lowest_version():
    assert context_for(Tls()).ssl.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context_for(Tls(minimum="1.3")).ssl.minimum_version == ssl.TLSVersion.TLSv1_3


def encrypted(path: Path) -> str:
    """A certificate whose key has a password."""
    key, cert = path / "key.pem", path / "cert.pem"
    command = ["openssl", "req", "-x509", *certificates.KEY, "-subj", "/CN=x", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*[word for word in command if word != "-noenc"], "-passout", "pass:secret"], check=True)
    (path / "both.pem").write_bytes(key.read_bytes() + cert.read_bytes())
    return str(path / "both.pem")


def test_files_that_can_not_be_used_are_named_in_one_line(tmp_path: Path):
    (tmp_path / "text.pem").write_text("no certificate\n")
    text, folder = str(tmp_path / "text.pem"), str(tmp_path)
    one, two = (certificates.split(certificates.authority().issue(name)) for name in ("client-1", "client-2"))
    for tls, message in (
        (Tls(ca="/nowhere.pem"), "TLS_CA=/nowhere.pem: no such file; give a path that exists where the worker runs"),
        (Tls(cert="/nowhere.pem"), "TLS_CERT=/nowhere.pem: no such file; give a path"),
        (Tls(ca=text), f"TLS_CA={text}: no certificate or crl found; expected PEM files"),
        (Tls(cert=text), f"TLS_CERT={text}: no certificate, or no key with it; expected PEM files"),
        (
            Tls(cert=one[0], key=two[1]),
            f"TLS_CERT={one[0]} with {two[1]}: key values mismatch; expected PEM files",
        ),
        (Tls(cert=encrypted(tmp_path)), "the key of the client certificate is encrypted"),
        (Tls(cert=folder), f"TLS_CERT={folder}: "),
    ):
        with pytest.raises(ValueError, match=r"TLS_|encrypted") as caught:
            context_for(tls)
        assert str(caught.value).startswith(message)
        assert "\n" not in str(caught.value)
