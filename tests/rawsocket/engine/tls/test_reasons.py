import ssl

import pytest

from rawsocket.engine.tls.reasons import CERTIFICATE, REASONS, explain, failure


def openssl(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] as OpenSSL says (_ssl.c:1000)")
    error.reason = reason
    return error


@pytest.mark.parametrize("reason", REASONS)
def test_known_reason_has_its_remedy(reason: str):
    assert explain(openssl(reason)) == f"{reason.lower().replace('_', ' ')}; {REASONS[reason]}"


def test_unknown_reason_is_given_as_it_is():
    assert explain(openssl("DIGEST_CHECK_FAILED")) == "digest check failed"


@pytest.mark.parametrize(
    ("code", "remedy"), [*CERTIFICATE.items(), (23, "set TLS_CA to the certificate to trust, or TLS_VERIFY=no")]
)
def test_fault_of_a_certificate_has_its_remedy(code: int, remedy: str):
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] ...")
    error.verify_code, error.verify_message = code, "as OpenSSL says."
    assert explain(error) == f"the server's certificate: as OpenSSL says; {remedy}"


def test_failure_is_tls_in_one_line():
    made = failure(openssl("WRONG_VERSION_NUMBER"), "TLS handshake")
    assert str(made) == "tls"
    assert made.detail.startswith("TLS handshake: wrong version number; the target doesn't speak TLS")
