"""Signed tree heads: an authority's word that its audit record had this root at this size (``typ tree-head+jwt``).

The record is the Merkle tree of RFC 9162 §2.1 over the authority's audit events. Peers keep the heads that they were
shown and ask for proof that each continues the one before (`idp.protocol.merkle`), so that none can change what it has
recorded without one of them seeing it (RFC 9162 §8.3).
"""

from dataclasses import dataclass

from idp.protocol import jws, strict_json
from idp.protocol.jws import Signer, TokenType
from idp.protocol.keys import KeySet, PrivateKey
from idp.protocol.merkle import HASH_BYTES
from idp.protocol.refusals import Reason, Refusal

CLAIMS = ("iss", "iat", "size", "root")
TREE_HEAD = TokenType("tree-head+jwt", required=CLAIMS, max_bytes=4_096)
MEDIA_TYPE = "application/tree-head+jwt"


@dataclass(frozen=True)
class TreeHead:
    """A verified head: ``iss`` said at ``iat`` (seconds since 1970) that its first ``size`` events have ``root``."""

    iss: str
    iat: int
    size: int
    root: bytes
    text: str


def sign_tree_head(*, issuer: str, size: int, root: bytes, now: int, signer: Signer | PrivateKey) -> str:
    """Sign the head of a tree of ``size`` ≥ 1 leaves; raises RuntimeError for what `verify_tree_head` would refuse."""
    if size < 1 or len(root) != HASH_BYTES:
        raise RuntimeError("no head of a tree")
    claims = {"iss": issuer, "iat": now, "size": size, "root": strict_json.b64encode(root)}
    return jws.sign(TREE_HEAD, claims, signer)


def verify_tree_head(text: str | bytes, *, keys: KeySet, issuer: str, now: int) -> TreeHead:
    """Verify a head of ``issuer``, whose audit keys are ``keys``. A head does not expire: it is a promise for good.

    Raises `Refusal`: malformed, bad_signature, not_yet_valid, or untrusted_issuer where ``iss`` is another's.
    """
    verified = jws.verify(text, TREE_HEAD, keys, now=now)
    claims = verified.claims
    if claims["iss"] != issuer:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "iss is not whose keys verify")
    if set(claims) != set(CLAIMS):
        raise Refusal(Reason.MALFORMED, "a tree head has exactly its four claims")
    size = strict_json.integer(claims, "size")
    root = strict_json.b64decode(strict_json.string(claims, "root", max_length=43))
    if size < 1 or len(root) != HASH_BYTES:
        raise Refusal(Reason.MALFORMED, "a tree head without leaves, or with a root of another length")
    return TreeHead(issuer, strict_json.integer(claims, "iat"), size, root, verified.text)


def unverified_issuer(text: str | bytes) -> str:
    """The ``iss`` that a head claims, *unverified*: good for finding whose keys to verify it with only."""
    return strict_json.string(jws.parse_unverified(text, TREE_HEAD).claims, "iss", max_length=1024)


def parse_proof(value: object) -> list[bytes]:
    """The hashes of a proof as it travels, base64url in a list; raises `Refusal` (malformed)."""
    if not isinstance(value, list) or len(value) > 64:
        raise Refusal(Reason.MALFORMED, "a proof is a list of at most 64 hashes")
    return [parse_hash(item) for item in value]


def parse_hash(value: object) -> bytes:
    """One hash as it travels; raises `Refusal` (malformed)."""
    found = strict_json.b64decode(value) if isinstance(value, str) and len(value) == 43 else b""
    if len(found) != HASH_BYTES:
        raise Refusal(Reason.MALFORMED, "a hash is 32 bytes, base64url")
    return found
