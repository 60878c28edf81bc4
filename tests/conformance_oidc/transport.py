"""Which TLS a server speaks, asked by handshakes that each offer one thing (FAPI 2.0 §5.2.1, RFC 9325 §3.1.1)."""

import socket
import ssl
import warnings
from urllib.parse import urlsplit

from tests.conformance.wire import LOOPBACK

ANY = "ALL:@SECLEVEL=0"  # OpenSSL itself would otherwise not offer what is old
SECONDS = 10.0


def is_modern(url: str) -> None:
    """TLS 1.3 is spoken, and nothing before 1.2."""
    port = urlsplit(url).port or 443
    assert spoken(port, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    for version in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1):
        assert spoken(port, version) is None, f"{version.name} is spoken"


def spoken(port: int, version: ssl.TLSVersion) -> str | None:
    """The version that came of offering ``version`` only; None when the server declined it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the certificate is looked at everywhere else
    context.set_ciphers(ANY)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that is why they are offered
        context.minimum_version = context.maximum_version = version
    try:
        with socket.create_connection((LOOPBACK, port), SECONDS) as plain, context.wrap_socket(plain) as secure:
            return secure.version()
    except ssl.SSLError as error:
        assert "ALERT" in str(error.reason), f"not the server's refusal: {error}"
        return None
