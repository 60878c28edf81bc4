"""Clients that want answers encrypted, and what they read with their keys, by another implementation."""

from typing import Any

from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey

from idp.federation import signing
from idp.protocol import jws, strict_json
from tests.oidc.basic_party import BasicParty
from tests.simulators.federation import REMOVE

SEALING: dict[str, Any] = {"RSA": RSAKey.generate_key(2048, private=True), "EC": ECKey.generate_key("P-256")}


def jwk(kind: str = "RSA", *, key: Any = None, **more: Any) -> dict[str, Any]:
    """The public key as the client publishes it."""
    return {**(key or SEALING[kind]).as_dict(private=False), "use": "enc", "kid": f"{kind}-1", **more}


def wants(kind: str, alg: str = "RSA-OAEP", enc: Any = REMOVE) -> dict[str, Any]:
    """The metadata of a client that wants answers of ``kind`` encrypted."""
    members = {f"{kind}_encrypted_response_alg": alg, f"{kind}_encrypted_response_enc": enc}
    return {name: value for name, value in members.items() if value is not REMOVE}


def seals(basic: BasicParty, *kinds: str, **more: Any) -> None:
    """From now on the client wants these encrypted, to a key that it registered."""
    chosen = {name: value for kind in kinds for name, value in wants(kind).items()}
    basic.says(**{"jwks": {"keys": [jwk()]}, **chosen, **more})


def opened(text: str, *, alg: str = "RSA-OAEP", enc: str = "A128CBC-HS256", key: Any = None) -> tuple[str, Any]:
    """What the client reads, told which algorithms it registered; and the header."""
    assert text.count(".") == 4, "in clear"
    found = jwe.decrypt_compact(text, key or SEALING["EC" if alg == "ECDH-ES" else "RSA"], algorithms=[alg, enc])
    assert found.plaintext is not None
    return found.plaintext.decode(), strict_json.loads_object(strict_json.b64decode(text.partition(".")[0]))


def inside(text: str, kind: jws.TokenType, *, now: int, **chosen: Any) -> dict[str, Any]:
    """The claims of the token that was signed, then encrypted (OpenID Connect Core §16.14)."""
    nested, header = opened(text, **chosen)
    assert header["cty"] == "JWT" and header["kid"].endswith("-1")
    return dict(jws.verify(nested, kind, signing.published("oidc"), now=now).claims)
