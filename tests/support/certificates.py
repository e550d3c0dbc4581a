"""Certificates for tests, made with the `openssl` command: authorities, and what they issue. One folder for a test run.

Files are PEM; that of a certificate has its key as well. All have 256-bit elliptic keys and are valid for ten days.
"""

import functools
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "10")


@dataclass(frozen=True)
class Authority:
    """Issues certificates; `ca` is the file of its own."""

    ca: str

    def issue(self, name: str, *names: str) -> str:
        """Return the file of a certificate for a subject, with these names: `DNS:server.test`, `IP:127.0.0.1`."""
        path = _folder() / f"{Path(self.ca).stem}-{name}.pem"
        if not path.exists():
            more = ("-addext", f"subjectAltName={','.join(names)}") if names else ()
            _request(path, name, "-CA", self.ca, "-CAkey", self.ca, *more)
        return str(path)


@functools.cache
def authority(name: str = "authority") -> Authority:
    """Return the authority of that name."""
    return Authority(self_signed(name))


@functools.cache
def self_signed(name: str, *names: str) -> str:
    """Return the file of a certificate that vouches for itself."""
    path = _folder() / f"{name}.pem"
    more = ("-addext", f"subjectAltName={','.join(names)}") if names else ()
    _request(path, name, *more)
    return str(path)


def server() -> str:
    """Return the file of the usual server's certificate: for 127.0.0.1, localhost and server.test."""
    return authority().issue("server", "IP:127.0.0.1", "IP:::1", "DNS:localhost", "DNS:server.test")


def split(path: str) -> tuple[str, str]:
    """Return two files, of the certificate and of its key."""
    key, separator, rest = Path(path).read_text().partition("-----END PRIVATE KEY-----\n")
    files = Path(path).with_suffix(".cert"), Path(path).with_suffix(".key")
    files[0].write_text(rest)
    files[1].write_text(key + separator)
    return str(files[0]), str(files[1])


def _request(path: Path, name: str, *more: str) -> None:
    command = ["openssl", "req", "-x509", *KEY, "-subj", f"/CN={name}", *more]
    cert, key = path.with_suffix(".new-cert"), path.with_suffix(".new-key")
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    path.write_text(key.read_text() + cert.read_text())
    cert.unlink()
    key.unlink()


@functools.cache
def _folder() -> Path:
    holder = tempfile.TemporaryDirectory(prefix="certificates-")
    _holders.append(holder)
    return Path(holder.name)


_holders: list[tempfile.TemporaryDirectory[str]] = []  # removed at the end of the process
