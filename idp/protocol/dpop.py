"""DPoP proofs (RFC 9449): one HTTP request, signed by the key that a token is bound to.

`verify` is the whole of §4.3 but step 11 (``nonce``) and the memory of ``jti``, which need a server's state: the caller
spends `Proof.replay_key` once, and keeps it until `Proof.forget_at`.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from idp.protocol import jws, strict_json
from idp.protocol.keys import PrivateKey, PublicKey, parse_public
from idp.protocol.refusals import Reason, Refusal

MAX_AGE = 60  # seconds; a phone's clock and a slow network need some, an attacker gets no more than that (§11.1)
MAX_JTI = 256
DPOP = jws.TokenType(
    "dpop+jwt",
    required=("jti", "htm", "htu", "iat"),
    headers=frozenset({"jwk"}),
    max_bytes=8192,  # an RSA-8192 jwk and its signature fit twice
)

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>[^/?#@:\[\]]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{0,5}))?"
)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_STRAY = re.compile(r"%(?![0-9A-Fa-f]{2})|[\x00-\x20\x7f]")  # RFC 3986 §2.1: no URL has them
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@dataclass(frozen=True)
class Proof:
    """A verified proof. ``jkt`` is the thumbprint of the key that signed it (RFC 7638)."""

    jkt: str
    key: PublicKey
    jti: str
    iat: int
    nonce: str | None

    @property
    def replay_key(self) -> str:
        """What may be seen once: ``jti`` is unique for one key only."""
        return f"{self.jkt} {self.jti}"

    @property
    def forget_at(self) -> int:
        """When the proof would be refused for its age in any case, and a margin for workers' clocks."""
        return self.iat + MAX_AGE + 2 * jws.LEEWAY


def verify(
    text: str,
    *,
    method: str,
    url: str,
    now: int,
    access_token: str | None = None,
    jkt: str | None = None,
) -> Proof:
    """Verify a proof for one request (RFC 9449 §4.3). ``url`` is the request's public URL; ``now`` seconds since 1970.

    With ``access_token`` the claim ``ath`` must be its hash; with ``jkt`` the proof must be by that key.
    Raises `Refusal`: malformed, bad_signature, expired, not_yet_valid, wrong_audience (``htm``, ``htu``) or
    key_binding_failed (``ath``, ``jkt``).
    """
    parsed = jws.parse_unverified(text, DPOP)  # steps 3 to 5: form, typ, no symmetric or absent alg
    key = parse_public(parsed.header.get("jwk"), require_kid=False)  # steps 4, 7: public only
    claims = jws.verify_with(parsed, DPOP, key, now=now).claims  # steps 3, 6
    if claims["htm"] != method:  # step 8
        raise Refusal(Reason.WRONG_AUDIENCE, "htm is another method")
    if normal_url(strict_json.string(claims, "htu")) != normal_url(url):  # step 9
        raise Refusal(Reason.WRONG_AUDIENCE, "htu is another URL")
    iat = strict_json.integer(claims, "iat")
    if iat < now - MAX_AGE:  # step 12; ahead of us by more than the leeway was refused above
        raise Refusal(Reason.EXPIRED, "the proof is too old")
    if access_token is not None:
        _check_token_hash(claims.get("ath"), access_token)
    if jkt is not None and key.thumbprint != jkt:
        raise Refusal(Reason.KEY_BINDING_FAILED, "the proof is by another key")
    nonce = strict_json.string(claims, "nonce", max_length=512) if "nonce" in claims else None
    return Proof(key.thumbprint, key, strict_json.string(claims, "jti", max_length=MAX_JTI), iat, nonce)


def prove(
    *,
    method: str,
    url: str,
    now: int,
    jti: str,
    key: PrivateKey,
    access_token: str | None = None,
    nonce: str | None = None,
) -> str:
    """Make a proof for one request (RFC 9449 §4.2). ``jti`` is the caller's randomness, at least 96 bits."""
    claims: dict[str, object] = {"jti": jti, "htm": method, "htu": re.split(r"[?#]", url, maxsplit=1)[0], "iat": now}
    if access_token is not None:
        claims["ath"] = token_hash(access_token)
    if nonce is not None:
        claims["nonce"] = nonce
    jwk = key.public.jwk()
    del jwk["kid"]  # the thumbprint says it already
    return jws.sign(DPOP, claims, key, headers={"jwk": jwk})


def token_hash(access_token: str) -> str:
    """``ath``: base64url of the SHA-256 of the token's ASCII form (RFC 9449 §4.2)."""
    return strict_json.b64encode(hashlib.sha256(access_token.encode("ascii", "replace")).digest())


@lru_cache(maxsize=256)  # mostly our own endpoints
def normal_url(url: str) -> str:
    """``url`` without query and fragment, normalised by syntax and scheme (RFC 3986 §6.2.2, §6.2.3).

    Raises `Refusal` (malformed) for what is not an absolute URL with a host.
    """
    bare = re.split(r"[?#]", url, maxsplit=1)[0]
    match = _URL.match(bare)
    if match is None or not url.isascii() or _STRAY.search(bare):
        raise Refusal(Reason.MALFORMED, "not an absolute URL")
    path = bare[match.end() :] or "/"
    if not path.startswith("/"):
        raise Refusal(Reason.MALFORMED, "not an absolute URL")
    scheme, port = match["scheme"].lower(), match["port"] or ""
    authority = match["host"].lower() + (f":{port}" if port not in ("", _DEFAULT_PORTS.get(scheme)) else "")
    return f"{scheme}://{authority}{_without_dots(_ESCAPE.sub(_unescape, path))}"


def _unescape(match: re.Match[str]) -> str:
    char = chr(int(match[1], 16))
    return char if char in _UNRESERVED else f"%{match[1].upper()}"


def _without_dots(path: str) -> str:
    """RFC 3986 §5.2.4 for an absolute path."""
    segments: list[str] = []
    parts = path.split("/")[1:]
    for part in parts:
        if part == "..":
            del segments[-1:]
        elif part != ".":
            segments.append(part)
    if parts[-1] in (".", ".."):
        segments.append("")
    return "/" + "/".join(segments)


def _check_token_hash(ath: object, access_token: str) -> None:
    compare: Callable[[str, str], bool] = hmac.compare_digest
    if not isinstance(ath, str) or not ath.isascii() or not compare(ath, token_hash(access_token)):
        raise Refusal(Reason.KEY_BINDING_FAILED, "ath is missing or of another token")
