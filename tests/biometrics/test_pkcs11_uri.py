"""URIs of keys in tokens (RFC 7512): what names one key is read, and a PIN in it is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.biometrics import pkcs11_uri

SOUND = "pkcs11:token=faces;object=wrap%201?module-path=/usr/lib/p11.so&pin-source=file:/run/pin"


def test_a_uri_is_read() -> None:
    uri = pkcs11_uri.parse(SOUND)
    assert (uri.token, uri.label, uri.id, uri.serial) == ("faces", "wrap 1", None, None)
    assert (uri.module, uri.pin_file) == (Path("/usr/lib/p11.so"), Path("/run/pin"))
    other = pkcs11_uri.parse(
        "pkcs11:serial=ab%00;id=%01%ff;type=secret-key?pin-source=file:///run/pin&module-path=/p.so"
    )
    assert (other.serial, other.id, other.pin_file) == (b"ab\0", b"\x01\xff", Path("/run/pin"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pkcs11:", "pkcs12:"),
        ("token=faces;", ""),
        (";object=wrap%201", ""),
        ("object=", "object=x;object="),
        ("object=", "colour=red;object="),
        ("object=wrap%201", "object="),
        ("object=", "type=private;object="),
        ("object=", "slot-id=1;object="),
        ("&pin-source=file:/run/pin", ""),
        ("&pin-source=file:/run/pin", "&pin-value=2468"),
        ("&pin-source", "&pin-value=2468&pin-source"),
        ("module-path=/usr/lib/p11.so&", ""),
        ("/usr/lib", "lib"),
        ("file:/run/pin", "file:pin"),
        ("file:/run/pin", "https://pin.example/"),
        ("faces", "%ff"),
        ("faces", "a%00b"),
        ("/usr/lib", "/usr/%00"),
    ],
)
def test_a_uri_that_names_no_key_is_refused(old: str, new: str) -> None:
    """invalid solely because of the one change."""
    with pytest.raises(ValueError) as refused:
        pkcs11_uri.parse(SOUND.replace(old, new))
    assert "2468" not in str(refused.value)


@given(st.text(max_size=120) | st.text(max_size=60).map(lambda text: SOUND.replace("faces", text)))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        pkcs11_uri.parse(text)
    except ValueError:
        return
    assert text.startswith("pkcs11:")
