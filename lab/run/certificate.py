"""A certificate for the lab's own server, made when it is needed: `ca.pem`, `cert.pem` and `key.pem` below .lab/tls/.

Strategy: `openssl` makes an authority and a certificate that it signs, from a configuration of our own, so the
machine's does not matter. The load verifies the server with `ca.pem`, as it would verify anyone's. Rules:

- The authority's key is thrown away: it signs this one certificate and no other.
- The files appear together or not at all, and are made again a week before they expire.
- The server's container runs as another user, so all may read the key. It protects nothing but this lab.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from lab import folders
from lab.errors import LabError

DAYS = 365
SECONDS_LEFT = 7 * 24 * 3600

#: What the load may call the server: from the host, and in the network of the containers.
CONFIGURATION = """
[req]
distinguished_name = name
prompt = no
[name]
CN = Holdfast lab
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, DNS:server, IP:127.0.0.1, IP:::1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


@dataclass(frozen=True)
class Certificate:
    """The three files: the authority that signed, the server's certificate, and its key; all in PEM format."""

    ca: Path
    cert: Path
    key: Path


def lab_certificate(folder: Path | None = None) -> Certificate:
    """Return the certificate in `folder`, .lab/tls/ by default; make it first if it is missing or about to expire.

    Raises LabError.
    """
    folder = folder or folders.work() / ".lab" / "tls"
    made = _in(folder)
    if not (made.ca.exists() and made.key.exists() and _is_valid(made.cert)):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent) as temporary:
            _make(new := Path(temporary) / "tls")
            shutil.rmtree(folder, ignore_errors=True)
            new.rename(folder)
    return made


def _in(folder: Path) -> Certificate:
    return Certificate(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")


def _is_valid(cert: Path) -> bool:
    return cert.exists() and not _openssl(cert.parent, f"x509 -noout -checkend {SECONDS_LEFT} -in cert.pem").returncode


def _make(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "openssl.cnf").write_text(CONFIGURATION)
    for command in (
        "ecparam -name prime256v1 -genkey -noout -out ca-key.pem",
        "ecparam -name prime256v1 -genkey -noout -out key.pem",
        f"req -x509 -new -key ca-key.pem -days {DAYS} -config openssl.cnf -extensions authority -out ca.pem",
        "req -new -key key.pem -config openssl.cnf -out request.pem",
        f"x509 -req -in request.pem -CA ca.pem -CAkey ca-key.pem -set_serial 1 -days {DAYS} -sha256"
        " -extfile openssl.cnf -extensions server -out cert.pem",
    ):
        done = _openssl(folder, command)
        if done.returncode:
            raise LabError(
                f"no certificate could be made for the lab: openssl {command.split()[0]} failed", done.stderr
            )
    for name in ("openssl.cnf", "ca-key.pem", "request.pem"):
        (folder / name).unlink()
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).chmod(0o644)  # whatever the caller's umask is


def _openssl(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["openssl", *command.split()], cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise LabError(
            "TLS needs the openssl command to make a certificate: install openssl, or name a certificate of your own "
            "with SERVER_TLS_CERT and SERVER_TLS_KEY"
        ) from None
