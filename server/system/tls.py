"""The server's certificate and key, as a context for TLS connections.

Imported only where a certificate is set: the `ssl` module costs a plain server memory that it does not need.
"""

from __future__ import annotations

import ssl

from server.settings import UsageError


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    """Return the context for this certificate and key, two files in PEM format; raise `UsageError` if they don't work.

    TLS 1.2 or later. Sessions can be resumed. A client can't make the server negotiate again (RFC 5746), which would
    cost the server more than the client.
    """
    for flag, path in (("--tls-cert", certificate), ("--tls-key", key)):
        _check_readable(flag, path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.num_tickets = 1  # A client resumes with the latest one.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")  # Otherwise it would ask on the terminal.
    except ssl.SSLError as error:
        why = "the key belongs to another certificate" if error.reason == "KEY_VALUES_MISMATCH" else "not in PEM format"
        raise UsageError(
            f"--tls-cert {certificate} and --tls-key {key} can't be used: {why}; expected a certificate (with its "
            "chain) and its key without a password, both in PEM format"
        ) from None
    return context


def _check_readable(flag: str, path: str) -> None:
    try:
        open(path, "rb").close()
    except OSError as error:
        raise UsageError(f"{flag} {path}: can't be read ({error.strerror}); expected a file in PEM format") from None
