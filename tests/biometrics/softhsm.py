"""A real token in software (SoftHSM2), one for each test; the tests skip where it is not installed, but not in CI."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from pkcs11 import Attribute, KeyType

from idp.biometrics import token_keys, wrapping

PLACES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
LIBRARY = next((place for place in PLACES if Path(place).exists()), None)
needs_softhsm = pytest.mark.skipif(LIBRARY is None and "CI" not in os.environ, reason="needs SoftHSM2")
PIN = "2468"


class Token:
    """One token of that library, its files in a folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert LIBRARY is not None, "SoftHSM2 is not installed"
        self.store, self.pin_file = folder / "tokens", folder / "pin"
        self.store.mkdir()
        self.pin_file.write_text(f"{PIN}\n")
        (folder / "softhsm2.conf").write_text(f"directories.tokendir = {self.store}\nlog.level = ERROR\n")
        monkeypatch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        options = ["--init-token", "--free", "--label", "faces", "--pin", PIN, "--so-pin", "13579"]
        subprocess.run(["softhsm2-util", *options], check=True, capture_output=True)

    def uri(self, label: str) -> str:
        return f"pkcs11:token=faces;object={label}?module-path={LIBRARY}&pin-source=file:{self.pin_file}"

    def make(self, label: str, value: bytes | None = None) -> str:
        """A key as docs/operations.md has it made; ``value`` is one that is brought in. Its URI."""
        facts: dict[Attribute, Any] = {
            Attribute.SENSITIVE: True,
            Attribute.EXTRACTABLE: False,
            Attribute.WRAP: True,
            Attribute.UNWRAP: True,
        }
        library = pkcs11.lib(str(LIBRARY))
        library.reinitialize()  # it may have been begun with the token of another test
        with library.get_token(token_label="faces").open(user_pin=PIN, rw=True) as session:
            if value is None:
                session.generate_key(KeyType.AES, 256, label=label, store=True, template=facts)
            else:
                brought = {Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: KeyType.AES}
                session.create_object(
                    {**brought, Attribute.VALUE: value, Attribute.LABEL: label, Attribute.TOKEN: True, **facts}
                )
        token_keys._library.cache_clear()  # beginning anew ended its sessions
        return self.uri(label)


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Token:
    token_keys._library.cache_clear()
    wrapping._identified.cache_clear()
    return Token(tmp_path, monkeypatch)
