"""A software authenticator: does in Python what a browser and the lock of a phone do with passkeys (WebAuthn Level 2).

It makes ES256 credentials, answers creation and request options with the JSON that a page would post, and asks nobody
for a finger: for the demonstration and for tests.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from idp.protocol import strict_json
from idp.protocol.strict_json import b64decode, b64encode

USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40  # §6.1
ES256 = -7


class NotAllowed(Exception):
    """What a browser calls NotAllowedError, InvalidStateError or SecurityError."""


@dataclass
class StoredCredential:
    """A discoverable credential: the private key and whose it is."""

    id: bytes
    rp_id: str
    user_handle: bytes
    user_name: str
    key: ec.EllipticCurvePrivateKey
    count: int = 0


@dataclass
class Authenticator:
    """A browser at ``origin`` with a built-in authenticator. ``verifies_user`` False: nobody unlocks it."""

    origin: str
    verifies_user: bool = True
    counts: bool = True  # synchronised passkeys do not count: their counter stays 0
    credentials: list[StoredCredential] = field(default_factory=list)

    def create(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Make a credential for ``navigator.credentials.create()`` options; raises `NotAllowed`."""
        rp_id = self._rp_id(options["rp"].get("id"))
        excluded = {b64decode(item["id"]) for item in options.get("excludeCredentials", [])}
        if any(item.id in excluded and item.rp_id == rp_id for item in self.credentials):
            raise NotAllowed("this authenticator has a credential of the account already")
        if ES256 not in [item["alg"] for item in options["pubKeyCredParams"]]:
            raise NotAllowed("ES256 is not asked for")
        self._unlock(options.get("authenticatorSelection", {}).get("userVerification"))
        stored = StoredCredential(
            id=secrets.token_bytes(32),
            rp_id=rp_id,
            user_handle=b64decode(options["user"]["id"]),
            user_name=options["user"]["name"],
            key=ec.generate_private_key(ec.SECP256R1()),
        )
        self.credentials.append(stored)
        attested = bytes(16) + len(stored.id).to_bytes(2, "big") + stored.id + _cose_key(stored.key)
        data = self._authenticator_data(stored, flags=ATTESTED, extra=attested)
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client_data = self._client_data("webauthn.create", options["challenge"])
        return _credential(stored, {"clientDataJSON": client_data, "attestationObject": attestation})

    def get(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Use a credential for ``navigator.credentials.get()`` options; raises `NotAllowed`."""
        rp_id = self._rp_id(options.get("rpId"))
        allowed = {b64decode(item["id"]) for item in options.get("allowCredentials", [])}
        fitting = [item for item in self.credentials if item.rp_id == rp_id and (not allowed or item.id in allowed)]
        if not fitting:
            raise NotAllowed("no credential for this site")
        self._unlock(options.get("userVerification"))
        stored = fitting[-1]
        stored.count += self.counts
        data = self._authenticator_data(stored)
        client_data = self._client_data("webauthn.get", options["challenge"])
        signature = stored.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        parts = {"clientDataJSON": client_data, "authenticatorData": data, "signature": signature}
        return _credential(stored, {**parts, "userHandle": stored.user_handle})

    def _rp_id(self, rp_id: str | None) -> str:
        host = urlsplit(self.origin).hostname or ""
        wanted = host if rp_id is None else rp_id
        if host != wanted and not host.endswith(f".{wanted}"):
            raise NotAllowed("the RP ID is not the page's host nor a parent of it")
        return wanted

    def _unlock(self, requirement: str | None) -> None:
        if requirement == "required" and not self.verifies_user:
            raise NotAllowed("nobody unlocked the authenticator")

    def _authenticator_data(self, stored: StoredCredential, *, flags: int = 0, extra: bytes = b"") -> bytes:
        flags |= USER_PRESENT | (USER_VERIFIED if self.verifies_user else 0)
        return hashlib.sha256(stored.rp_id.encode()).digest() + bytes([flags]) + stored.count.to_bytes(4, "big") + extra

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return strict_json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False})


def _cose_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    numbers = key.public_key().public_numbers()
    x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
    return cbor2.dumps({1: 2, 3: ES256, -1: 1, -2: x, -3: y}, canonical=True)  # RFC 9053 §7.1.1


def _credential(stored: StoredCredential, response: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        "id": b64encode(stored.id),
        "rawId": b64encode(stored.id),
        "type": "public-key",
        "response": {name: b64encode(value) for name, value in response.items()},
        "clientExtensionResults": {},
    }
