"""The trust bundle: everything a gate believes, for one checkpoint, in one signed snapshot (protocol.md, Trust bundle).

On the wire it is JSON ``{"keys", "bundle", "watchlist"}``: ``keys`` is a ``jwk-set+jwt`` signed by the federation key
that the gate has pinned, ``bundle`` is a ``trust-bundle+jwt`` signed by one of these keys, ``watchlist`` the list whose
digest it signs, left out where the gate has it. `load_bundle` verifies, in this order:

1. the key set: pinned key, ``iss`` and ``sub`` the anchor, times;
2. the bundle: one of those keys, ``iss`` the anchor, ``aud`` this checkpoint alone, times, no lower ``serial``;
3. the anchor's own entity configuration, and its checkpoint, policy, rules, watch list and opening hours;
4. for each issuer its trust chain (immediate to the anchor), its mark unless it is the anchor, its border keys;
5. for each status list its issuer's status key, type, subject and times.

1 to 3 refuse the bundle. 4 and 5 leave out the part that fails and keep the reason: one bad peer closes no gate.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from idp.protocol import jws, strict_json
from idp.protocol.entity_statements import EntityConfiguration, parse_entity_configuration
from idp.protocol.gate_policy import CheckpointFacts, GatePolicy, parse_checkpoint, parse_policy
from idp.protocol.jws import Signer, TokenType
from idp.protocol.keys import KeySet, PrivateKey, parse_jwks
from idp.protocol.officer_badge import parse_revoked
from idp.protocol.opening_hours import Period, parse_opening
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.status_list import VerifiedStatusList, subject, verify_status_list
from idp.protocol.travel_rules import Rule, parse_rules
from idp.protocol.trust_chain import require_mark, verify_chain
from idp.protocol.watch_list import EMPTY, MAX_TEXT, WatchList, parse_watch_list

MAX_BYTES = 1 << 20  # three authorities' chains and a day of their hourly lists need 150 kB
MAX_WIRE = 2 * MAX_BYTES + MAX_TEXT
MAX_ISSUERS = 64
MAX_LISTS = 256  # of one issuer: one for each issuing hour, retired when its last token is dead

TRUST_BUNDLE = TokenType("trust-bundle+jwt", required=("iss", "aud", "iat", "exp", "serial"), max_bytes=MAX_BYTES)
BUNDLE_KEYS = TokenType("jwk-set+jwt", required=("iss", "sub", "iat", "exp", "keys"))
ISSUER_TYPE = "border_token_issuer"


@dataclass(frozen=True)
class TrustedIssuer:
    """An authority whose border tokens this gate takes until ``expires_at``."""

    entity_id: str
    keys: KeySet  # border keys only
    jurisdiction: str | None
    expires_at: int
    status_lists: Mapping[str, VerifiedStatusList]  # by uri; only lists that this issuer itself signed


@dataclass(frozen=True)
class LeftOut:
    """A part of the bundle that was not believed: an issuer's entity id or a status list's uri, and why."""

    part: str
    reason: Reason
    detail: str


@dataclass(frozen=True)
class TrustBundle:
    """A verified bundle. Times are seconds since 1970."""

    anchor: str
    checkpoint_id: str
    serial: int
    issued_at: int
    expires_at: int
    checkpoint: CheckpointFacts
    policy: GatePolicy
    rules: tuple[Rule, ...]
    opening: tuple[Period, ...]
    watch: WatchList
    issuers: Mapping[str, TrustedIssuer]
    left_out: tuple[LeftOut, ...] = ()
    revoked_badges: frozenset[str] = frozenset()
    anchor_keys: KeySet = field(default_factory=lambda: KeySet(()))  # of the anchor's configuration: a successor's too
    bundle_keys: KeySet = field(default_factory=lambda: KeySet(()))  # that came along

    def issuer(self, entity_id: str, *, now: int) -> TrustedIssuer:
        """The issuer ``entity_id``; raises `Refusal` (untrusted_issuer, policy_violation)."""
        found = self.issuers.get(entity_id)
        if found is None:
            reason = next((item.reason for item in self.left_out if item.part == entity_id), None)
            kept = Reason.POLICY_VIOLATION if reason is Reason.POLICY_VIOLATION else Reason.UNTRUSTED_ISSUER
            raise Refusal(kept, "the issuer is not one of the bundle's")
        if found.expires_at <= now:  # not renewed by our anchor: recognition has ended
            raise Refusal(Reason.UNTRUSTED_ISSUER, "the issuer's trust chain has expired")
        return found


def sign_bundle_keys(
    keys: KeySet, *, entity_id: str, signer: Signer | PrivateKey, now: int, lifetime: int = 86_400
) -> str:
    """Sign the set of bundle keys with the federation key (Federation §5.2.1, the shape of ``signed_jwks_uri``)."""
    claims = {"iss": entity_id, "sub": entity_id, "iat": now, "exp": now + lifetime, **keys.jwks()}
    return jws.sign(BUNDLE_KEYS, claims, signer)


def sign_bundle(claims: Mapping[str, Any], signer: Signer | PrivateKey) -> str:
    """Sign the claims of a bundle with a bundle key."""
    return jws.sign(TRUST_BUNDLE, claims, signer)


def load_bundle(
    text: str | bytes,
    *,
    pinned: KeySet,
    anchor: str,
    checkpoint: str,
    now: int,
    min_serial: int = 0,
    withdrawn: Collection[str] = (),
    watch: WatchList = EMPTY,
) -> TrustBundle:
    """Verify a bundle as fetched or as stored, for the gate of ``checkpoint`` that pins ``anchor``'s keys ``pinned``.

    ``min_serial`` is the highest serial this gate has taken. ``withdrawn`` are bundle keys, by thumbprint, that the
    anchor listed once and no more: a killed one stays signed for in an older key set until that expires. ``watch`` is
    the watch list that the gate has, for a response without one. Raises `Refusal`: malformed, bad_signature, expired,
    not_yet_valid, wrong_audience, untrusted_issuer, or trust_stale for a serial lower than ``min_serial`` or a watch
    list that is another than the bundle signs.
    """
    wire = strict_json.loads_object(text, max_bytes=MAX_WIRE)
    if not {"keys", "bundle"} <= wire.keys() <= {"keys", "bundle", "watchlist"}:
        raise Refusal(Reason.MALFORMED, "a bundle response has keys, bundle and watchlist")
    listed = wire.get("watchlist")
    if listed is not None and not isinstance(listed, str):
        raise Refusal(Reason.MALFORMED, "a watch list is text")
    keys = _bundle_keys(strict_json.string(wire, "keys", max_length=BUNDLE_KEYS.max_bytes), pinned, anchor, now)
    bundle = strict_json.string(wire, "bundle", max_length=MAX_BYTES)
    good = KeySet(key for key in keys.keys if key.thumbprint not in withdrawn)
    claims = jws.verify(bundle, TRUST_BUNDLE, good, now=now).claims
    if claims["iss"] != anchor:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "a bundle of another anchor")
    jws.sole_audience(claims, checkpoint)
    serial = strict_json.integer(claims, "serial")
    if serial < min_serial:
        raise Refusal(Reason.TRUST_STALE, "a bundle older than the one already taken")
    found = parse_watch_list(listed, claim=claims.get("watchlist"), known=watch)
    return replace(_read(claims, pinned=pinned, now=now, serial=serial, watch=found), bundle_keys=good)


def _bundle_keys(text: str, pinned: KeySet, anchor: str, now: int) -> KeySet:
    claims = jws.verify(text, BUNDLE_KEYS, pinned, now=now).claims
    if claims["iss"] != anchor or claims["sub"] != anchor:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "bundle keys of another anchor")
    return parse_jwks({"keys": claims["keys"]})


def _read(claims: Mapping[str, Any], *, pinned: KeySet, now: int, serial: int, watch: WatchList) -> TrustBundle:
    anchor: str = claims["iss"]
    configuration_text = strict_json.string(claims, "anchor_configuration", max_length=1 << 20)
    verify_chain([configuration_text], anchors={anchor: pinned}, now=now)  # its own signature alone proves nothing
    configuration = parse_entity_configuration(configuration_text, now=now, expect=anchor)
    facts = parse_checkpoint(claims.get("checkpoint"))
    reader = _IssuerReader(configuration, pinned, facts.jurisdiction, now)
    reader.read(claims.get("issuers"))
    return TrustBundle(
        anchor=anchor,
        checkpoint_id=claims["aud"],
        serial=serial,
        issued_at=strict_json.integer(claims, "iat"),
        expires_at=strict_json.integer(claims, "exp"),
        checkpoint=facts,
        policy=parse_policy(claims.get("policy")),
        rules=parse_rules(claims.get("rules")),
        opening=parse_opening(claims.get("opening")),
        watch=watch,
        issuers=reader.issuers,
        left_out=tuple(reader.left_out),
        revoked_badges=parse_revoked(claims.get("revoked_badges")),
        anchor_keys=configuration.keys,
    )


class _IssuerReader:
    """Collects the issuers that verify and the reasons of those parts that do not."""

    def __init__(self, configuration: EntityConfiguration, pinned: KeySet, own: str, now: int) -> None:
        self.configuration, self.pinned, self.own, self.now = configuration, pinned, own, now
        self.issuers: dict[str, TrustedIssuer] = {}
        self.left_out: list[LeftOut] = []

    def read(self, value: object) -> None:
        if not isinstance(value, list) or len(value) > MAX_ISSUERS:
            raise Refusal(Reason.MALFORMED, f"issuers are a list of at most {MAX_ISSUERS}")
        for item in value:
            try:
                issuer = self._issuer(item)
                self.issuers.setdefault(issuer.entity_id, issuer)
            except Refusal as refusal:
                self.left_out.append(LeftOut(_name(item), refusal.reason, refusal.detail))

    def _issuer(self, item: object) -> TrustedIssuer:
        statements = _texts(item, "chain", maximum=8)
        anchor = self.configuration.iss
        chain = verify_chain(statements, anchors={anchor: self.pinned}, now=self.now, immediate=True)
        expires_at = chain.expires_at
        if chain.entity_id != anchor:
            mark_type = f"{anchor}/trust-marks/border-issuer"
            mark = require_mark(chain, mark_type, anchor_configuration=self.configuration, now=self.now)
            expires_at = expires_at if mark.exp is None else min(expires_at, mark.exp)
        metadata = chain.entity(ISSUER_TYPE)
        jurisdiction = metadata.get("jurisdiction")
        if jurisdiction == self.own and chain.entity_id != anchor:  # it would speak for our own residents
            raise Refusal(Reason.POLICY_VIOLATION, "a peer that claims the anchor's own jurisdiction")
        return TrustedIssuer(
            entity_id=chain.entity_id,
            keys=parse_jwks(metadata.get("jwks")),
            jurisdiction=jurisdiction if isinstance(jurisdiction, str) else None,
            expires_at=expires_at,
            status_lists=self._status_lists(item, parse_jwks(metadata.get("status_jwks"))),
        )

    def _status_lists(self, item: object, keys: KeySet) -> dict[str, VerifiedStatusList]:
        lists: dict[str, VerifiedStatusList] = {}
        for text in _texts(item, "status_lists", maximum=MAX_LISTS):
            uri = ""
            try:
                uri = subject(text)
                verified = verify_status_list(text, keys=keys, uri=uri, now=self.now)
                newer = lists.get(uri)
                if newer is None or newer.issued_at < verified.issued_at:
                    lists[uri] = verified
            except Refusal as refusal:
                self.left_out.append(LeftOut(uri or "a status list", refusal.reason, refusal.detail))
        return lists


def _texts(item: object, name: str, *, maximum: int) -> list[str]:
    value = item.get(name) if isinstance(item, Mapping) else None
    if not isinstance(value, list) or len(value) > maximum or not all(isinstance(text, str) for text in value):
        raise Refusal(Reason.MALFORMED, f"{name} is not a list of at most {maximum} texts")
    return value


def _name(item: object) -> str:
    """What an issuer that is left out calls itself: for the log and for the reason kept, and for nothing else."""
    try:
        texts = _texts(item, "chain", maximum=8)
        payload = texts[0].split(".")[1] if texts else ""
        return strict_json.string(strict_json.loads_object(strict_json.b64decode(payload)), "iss")
    except (Refusal, IndexError):
        return "an issuer"
