"""Trust marks that this node gives to peers and subordinates (Federation §7, §8.4 to §8.6).

A mark stands while it is not revoked and its subject is an immediate subordinate of ours, recognised just now.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from idp import conf
from idp.audit.events import record
from idp.federation import mark_types, signing
from idp.federation.mark_types import UnableToMark, border_issuer
from idp.federation.models import IssuedMark, Peer, Subordinate
from idp.protocol import jws
from idp.protocol.jws import TokenType
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.trust_marks import TRUST_MARK, sign_trust_mark

__all__ = [
    "LIFETIME",
    "RENEW_AFTER",
    "STATUS_RESPONSE",
    "UnableToMark",
    "border_issuer",
    "give",
    "issued",
    "marked",
    "may_give",
    "revoke",
    "shown_by",
    "sign_anew",
    "standing",
    "status",
]

Facts = Mapping[str, Any]  # of an audit event
NO_FACTS: Facts = {}
LIFETIME = mark_types.LIFETIME
RENEW_AFTER = 43_200  # seconds, or half of a shorter life
STATUS_RESPONSE = TokenType("trust-mark-status-response+jwt", required=("iss", "iat", "trust_mark", "status"))


def give(*, mark_type: str, subject: str, now: int, actor: str, facts: Facts = NO_FACTS) -> IssuedMark:
    """Let a peer or a subordinate have a mark; it comes to fetch it. ``facts`` go into the audit event.

    Raises `UnableToMark`.
    """
    mark_types.ours(mark_type, now)
    with transaction.atomic():
        peer = Peer.objects.filter(entity_id=subject, ended_at=None).first()
        if peer is None and not Subordinate.objects.filter(entity_id=subject, ended_at=None).exists():
            raise UnableToMark("marks are for peers and subordinates of this node", code="conflict")
        mark, made = IssuedMark.objects.get_or_create(
            subject=subject, mark_type=mark_type, revoked_at=None, defaults={"issued_at": now, "peer": peer}
        )
        if made:
            record(kind="federation.mark.given", actor=actor, subject=subject[:255], data={"type": mark_type, **facts})
    return mark


def revoke(*, subject: str, now: int, actor: str, mark_type: str | None = None, facts: Facts = NO_FACTS) -> int:
    """Take the marks of a subject back, all or those of one type; how many there were."""
    with transaction.atomic():
        marks = IssuedMark.objects.select_for_update().filter(subject=subject, revoked_at=None)
        if mark_type is not None:
            marks = marks.filter(mark_type=mark_type)
        taken = list(marks)
        for mark in taken:
            mark.revoked_at = now
            mark.save(update_fields=["revoked_at"])
            data = {"type": mark.mark_type, **facts}
            record(kind="federation.mark.revoked", actor=actor, subject=subject[:255], data=data)
    return len(taken)


def sign_anew(*, subject: str) -> None:
    """Have the subject's marks signed again when they are next asked for: what they were signed under has changed."""
    IssuedMark.objects.filter(subject=subject, revoked_at=None).update(signed_at=0, kid="")


def issued(*, mark_type: str, subject: str, now: int) -> str:
    """The mark of this type for this subject, signed. Raises `UnableToMark`."""
    mark = IssuedMark.objects.filter(mark_type=mark_type, subject=subject, revoked_at=None).first()
    if mark is None or subject not in _in_force([subject], now):
        raise UnableToMark("no such mark")
    lifetime, delegation = mark_types.ours(mark_type, now)
    peer = Peer.objects.filter(entity_id=subject).first()
    if peer is not None and peer.valid_until is not None:
        lifetime = min(lifetime, peer.valid_until - now)
    if _serves(mark, expires_at=now + lifetime, delegation=delegation, now=now):
        return mark.text
    return _sign(mark, lifetime, {"delegation": delegation} if delegation else {}, now)


def shown_by(*, subject: str, now: int) -> list[dict[str, str]]:
    """``trust_marks`` of an entity that this node hosts: every mark of ours that stands for it."""
    shown = []
    rows = IssuedMark.objects.filter(subject=subject, revoked_at=None).order_by("mark_type")
    for mark_type in rows.values_list("mark_type", flat=True):
        try:
            text = issued(mark_type=mark_type, subject=subject, now=now)
        except UnableToMark:  # a delegation that ran out must not silence the entity
            continue
        shown.append({"trust_mark_type": mark_type, "trust_mark": text})
    return shown


def standing(now: int) -> dict[str, set[str]]:
    """The types of the marks that stand, by subject."""
    rows = list(IssuedMark.objects.filter(revoked_at=None).values_list("subject", "mark_type"))
    living = _in_force({subject for subject, _ in rows}, now)
    ours = {mark_type for mark_type in {mark_type for _, mark_type in rows} if may_give(mark_type, now)}
    types: dict[str, set[str]] = {}
    for subject, mark_type in rows:
        if subject in living and mark_type in ours:
            types.setdefault(subject, set()).add(mark_type)
    return types


def marked(*, mark_type: str, now: int, subject: str | None = None) -> list[str]:
    """Who holds a mark of ours of this type now; of ``subject`` alone where given. Raises `UnableToMark`."""
    if not IssuedMark.objects.filter(mark_type=mark_type).exists():
        mark_types.ours(mark_type, now)
    holders = sorted(holder for holder, types in standing(now).items() if mark_type in types)
    return [holder for holder in holders if subject is None or holder == subject]


def status(text: str, now: int) -> str:
    """The signed answer about a mark that somebody shows: active, expired, revoked or invalid (Federation §8.4.2).

    Raises `Refusal` (malformed) for what is no trust mark, `UnableToMark` for one that this node never gave.
    """
    claims = {
        "iss": conf.authority().entity_id,
        "iat": now,
        "trust_mark": text,
        "status": state(text, now),
    }
    return jws.sign(STATUS_RESPONSE, claims, signing.signer("federation"))


def state(text: str, now: int) -> str:
    """The same as one word, unsigned: for this node's own decisions. Raises like `status`."""
    parsed = jws.parse_unverified(text, TRUST_MARK)
    mark = _given(parsed.claims)
    try:
        jws.verify(parsed, TRUST_MARK, signing.published("federation", now=now), now=now)
    except Refusal as refusal:
        return "expired" if refusal.reason is Reason.EXPIRED else "invalid"
    stands = mark.revoked_at is None and mark.subject in _in_force([mark.subject], now)
    return "active" if stands and parsed.claims["iat"] >= mark.issued_at else "revoked"


def _serves(mark: IssuedMark, *, expires_at: int, delegation: str, now: int) -> bool:
    """Whether the mark as it was last signed will do, where one signed now would last until ``expires_at``."""
    if mark.kid != signing.private_key("federation").kid:
        return False
    claims = jws.parse_unverified(mark.text, TRUST_MARK).claims
    if claims.get("delegation", "") != delegation or claims["exp"] > expires_at:
        return False
    young = 0 <= now - claims["iat"] < min(RENEW_AFTER, (claims["exp"] - claims["iat"]) // 2 + 1)
    return young or claims["exp"] == expires_at  # signed again, it would last no longer


def _sign(mark: IssuedMark, lifetime: int, extra: Mapping[str, str], now: int) -> str:
    key = signing.private_key("federation")
    claims: dict[str, Any] = {
        "iss": conf.authority().entity_id,
        "sub": mark.subject,
        "trust_mark_type": mark.mark_type,
        "iat": now,
        "exp": now + lifetime,
        **extra,
    }
    with transaction.atomic():
        mark.text, mark.signed_at, mark.kid = sign_trust_mark(claims, key), now, key.kid
        mark.save(update_fields=["text", "signed_at", "kid"])
        data = {"type": mark.mark_type, "expires_at": now + lifetime}
        record(kind="federation.mark.signed", actor=signing.ACTOR, subject=mark.subject[:255], data=data)
    return mark.text


def may_give(mark_type: str, now: int) -> bool:
    """Whether this node may give marks of the type now."""
    try:
        mark_types.ours(mark_type, now)
    except UnableToMark:
        return False
    return True


def _in_force(subjects: Iterable[str], now: int) -> set[str]:
    """Those about which this node issues a statement at ``now``."""
    peers = Peer.objects.recognised(now).filter(entity_id__in=subjects)
    below = Subordinate.objects.filter(entity_id__in=subjects, ended_at=None)
    return {*peers.values_list("entity_id", flat=True), *below.values_list("entity_id", flat=True)}


def _given(claims: Mapping[str, Any]) -> IssuedMark:
    if claims.get("iss") != conf.authority().entity_id:
        raise UnableToMark("a mark of another issuer")
    subject, mark_type = str(claims.get("sub")), str(claims.get("trust_mark_type"))
    if not (subject.isprintable() and mark_type.isprintable()):
        raise UnableToMark("a mark about nobody")
    mark = IssuedMark.objects.filter(subject=subject, mark_type=mark_type).order_by("-pk").first()
    if mark is None:
        raise UnableToMark("a mark that was never given")
    return mark
