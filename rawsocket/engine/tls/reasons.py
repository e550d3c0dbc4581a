"""What OpenSSL's errors mean for the user of a load test, and what to do about them. Pure."""

import ssl

from rawsocket.errors import TlsFailed

# By OpenSSL's number of a certificate's fault (x509_vfy.h).
CERTIFICATE = {
    9: "the clocks differ, or the certificate is for later",
    10: "renew the server's certificate, or set TLS_VERIFY=no",
    18: "set TLS_CA=FILE to this certificate, or TLS_VERIFY=no",
    19: "set TLS_CA=FILE to its root certificate, or TLS_VERIFY=no",
    20: "set TLS_CA=FILE to the certificate of its issuer, or TLS_VERIFY=no",
    21: "set TLS_CA=FILE to the certificate of its issuer, or TLS_VERIFY=no",
    62: "set TLS_NAME to a name that is in the certificate, or TLS_VERIFY=no",
    64: "set TLS_NAME to a name that is in the certificate, or TLS_VERIFY=no",
}
NOT_TLS = "the target doesn't speak TLS on this port: use tcp://, or another port"
CLOSED = "it may want a client certificate (TLS_CERT and TLS_KEY), or speak no TLS on this port"
WANTS_CERTIFICATE = "the server wants a client certificate: set TLS_CERT and TLS_KEY"
BAD_CERTIFICATE = "the server doesn't accept the client certificate of TLS_CERT"
VERSION = "the server and `minimum` of Tls have no TLS version in common"
# By OpenSSL's name of the reason. "ALERT" means that the server has sent it.
REASONS = {
    "WRONG_VERSION_NUMBER": NOT_TLS,
    "HTTP_REQUEST": NOT_TLS,
    "PACKET_LENGTH_TOO_LONG": NOT_TLS,
    "RECORD_LAYER_FAILURE": NOT_TLS,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": WANTS_CERTIFICATE,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the server shares no cipher with this client, or wants a client certificate "
    "(TLS_CERT and TLS_KEY)",
    "TLSV1_ALERT_UNKNOWN_CA": BAD_CERTIFICATE,
    "SSLV3_ALERT_BAD_CERTIFICATE": f"{WANTS_CERTIFICATE}; or it doesn't accept the one that is set",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": BAD_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_REVOKED": BAD_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": BAD_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": BAD_CERTIFICATE,
    "TLSV1_ALERT_ACCESS_DENIED": BAD_CERTIFICATE,
    "TLSV1_ALERT_PROTOCOL_VERSION": VERSION,
    "UNSUPPORTED_PROTOCOL": VERSION,
    "TLSV1_UNRECOGNIZED_NAME": "the server has no certificate for this name: set TLS_NAME",
    "TLSV1_ALERT_NO_APPLICATION_PROTOCOL": "the server knows none of the protocols in `alpn` of Tls",
    "NO_APPLICATION_PROTOCOL": "the server knows none of the protocols in `alpn` of Tls",
}


def explain(error: ssl.SSLError) -> str:
    """Return OpenSSL's reason and, if it is known, what to do about it, in one line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = CERTIFICATE.get(error.verify_code, "set TLS_CA to the certificate to trust, or TLS_VERIFY=no")
        return f"the server's certificate: {error.verify_message.rstrip('.')}; {remedy}"
    reason = error.reason or str(error)
    remedy = REASONS.get(reason, "")
    return reason.lower().replace("_", " ") + (f"; {remedy}" if remedy else "")


def failure(error: ssl.SSLError, doing: str) -> TlsFailed:
    """Return the failure for an error of OpenSSL."""
    return TlsFailed(f"{doing}: {explain(error)}")
