"""Keys that an entity signed with once, and documents that bear them (Federation §8.7).

An old statement may have to be verified long after its key was retired: in a dispute, or when records are audited. A
key that was merely superseded vouches for what was signed while it was good. One that was compromised vouches for
nothing: whoever has it may sign today and write yesterday's date.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp.protocol import jws, strict_json
from idp.protocol.jws import TokenType, VerifiedJWS
from idp.protocol.keys import KeySet, PublicKey, parse_public
from idp.protocol.refusals import Reason, Refusal

HISTORICAL_KEYS = TokenType(
    "jwk-set+jwt", algorithms=jws.WITH_RS256, required=("iss", "iat", "keys"), max_bytes=262_144
)
MAX_KEYS = 256  # an entity that rolls over each month has so many after twenty years
COMPROMISED = "compromised"  # of the reasons that §8.7.4 lists; `superseded` and `unspecified` say when, and no more


@dataclass(frozen=True)
class HistoricalKey:
    """A key and when it was good, in seconds since 1970."""

    key: PublicKey
    since: int  # ``nbf``, or ``iat``; 0 where neither is said
    until: int  # ``exp``, or when it was revoked if that was before
    compromised: bool


@dataclass(frozen=True)
class HistoricalKeys:
    """The verified keys of one entity's past, by ``kid``."""

    iss: str
    keys: Mapping[str, HistoricalKey]

    def verify(self, text: str, token_type: TokenType, *, now: int) -> VerifiedJWS:
        """Verify an old document of the entity; its own expiry does not matter, that its key was good then does.

        ``iat`` says when it was signed, so it must be there. Raises `Refusal`: malformed, bad_signature (also for a key
        that is not in this history), revoked for a compromised key, expired or not_yet_valid for one that was not good
        then, untrusted_issuer for another entity's document.
        """
        parsed = jws.parse_unverified(text, token_type)
        old = self.keys.get(parsed.kid)
        if old is None:
            raise Refusal(Reason.BAD_SIGNATURE, "kid names no key of the issuer's past")
        verified = jws.verify_with(parsed, token_type, old.key, now=now, ignore_expiry=True)
        if verified.claims.get("iss") != self.iss:
            raise Refusal(Reason.UNTRUSTED_ISSUER, "a document of another entity")
        if old.compromised:
            raise Refusal(Reason.REVOKED, "a key that was compromised")
        signed_at = strict_json.integer(verified.claims, "iat")
        if signed_at >= old.until:
            raise Refusal(Reason.EXPIRED, "signed when the key was good no more")
        if signed_at < old.since:
            raise Refusal(Reason.NOT_YET_VALID, "signed before the key was good")
        return verified


def read(text: str, *, issuer: str, keys: KeySet, now: int) -> HistoricalKeys:
    """Verify an entity's history by its federation keys of today, as its superior or a pin gives them.

    Raises `Refusal`: malformed, bad_signature, not_yet_valid, or untrusted_issuer for another entity's.
    """
    parsed = jws.parse_unverified(text, HISTORICAL_KEYS)
    if not parsed.kid:
        raise Refusal(Reason.MALFORMED, "historical keys without kid")
    claims = jws.verify(parsed, HISTORICAL_KEYS, keys, now=now).claims
    if claims["iss"] != issuer:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "the historical keys of another entity")
    entries = claims["keys"]
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise Refusal(Reason.MALFORMED, f"keys is not an array of at most {MAX_KEYS} keys")
    history = [_entry(entry) for entry in entries]
    by_kid = {old.key.kid: old for old in history}
    if len(by_kid) != len(history):
        raise Refusal(Reason.MALFORMED, "a kid stands twice among historical keys")
    return HistoricalKeys(issuer, by_kid)


def _entry(entry: Any) -> HistoricalKey:
    key = parse_public(entry)
    until = strict_json.integer(entry, "exp")
    since = max((strict_json.integer(entry, name) for name in ("iat", "nbf") if name in entry), default=0)
    if "revoked" not in entry:
        return HistoricalKey(key, since, until, compromised=False)
    revoked = entry["revoked"]
    if not isinstance(revoked, Mapping):
        raise Refusal(Reason.MALFORMED, "revoked is not an object")
    until = min(until, strict_json.integer(revoked, "revoked_at"))
    return HistoricalKey(key, since, until, compromised=revoked.get("reason") == COMPROMISED)
