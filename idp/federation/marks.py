"""Trust marks: the one that we give to recognised issuers of border tokens (Federation §7, §8.4 to §8.6)."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from idp import conf
from idp.audit.events import record
from idp.federation import signing
from idp.federation.models import IssuedMark, Peer
from idp.protocol import jws
from idp.protocol.jws import TokenType
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.trust_marks import TRUST_MARK, sign_trust_mark

LIFETIME = 3 * 86_400
RENEW_AFTER = 43_200
STATUS_RESPONSE = TokenType("trust-mark-status-response+jwt", required=("iss", "iat", "trust_mark", "status"))


class UnableToMark(Exception):
    """There is no such trust mark."""

    code = "not_found"


def border_issuer(anchor: str) -> str:
    """The mark type by which ``anchor`` says: border tokens of this authority are good at my gates."""
    return f"{anchor}/trust-marks/border-issuer"


def give(*, peer: Peer, now: int, actor: str) -> None:
    """Let the peer have our border issuer's mark; it comes to fetch it. Within the caller's transaction."""
    mark_type = border_issuer(conf.authority().entity_id)
    IssuedMark.objects.get_or_create(peer=peer, mark_type=mark_type, revoked_at=None, defaults={"issued_at": now})
    record(kind="federation.mark.given", actor=actor, subject=peer.entity_id[:255], data={"type": mark_type})


def revoke(*, peer: Peer, now: int, actor: str) -> None:
    """Take every mark of the peer back. Within the caller's transaction."""
    for mark in IssuedMark.objects.filter(peer=peer, revoked_at=None):
        mark.revoked_at = now
        mark.save(update_fields=["revoked_at"])
        record(kind="federation.mark.revoked", actor=actor, subject=peer.entity_id[:255], data={"type": mark.mark_type})


def issued(*, mark_type: str, subject: str, now: int) -> str:
    """The mark of this type for this subject, signed. Raises `UnableToMark`."""
    mark = _standing(mark_type, subject)
    key = signing.private_key("federation")
    if mark.kid == key.kid and 0 <= now - mark.signed_at < RENEW_AFTER:
        return mark.text
    claims = {
        "iss": conf.authority().entity_id,
        "sub": subject,
        "trust_mark_type": mark_type,
        "iat": now,
        "exp": now + LIFETIME,
    }
    with transaction.atomic():
        mark.text, mark.signed_at, mark.kid = sign_trust_mark(claims, key), now, key.kid
        mark.save(update_fields=["text", "signed_at", "kid"])
        record(
            kind="federation.mark.signed",
            actor=signing.ACTOR,
            subject=subject[:255],
            data={"expires_at": now + LIFETIME},
        )
    return mark.text


def marked(*, mark_type: str, subject: str | None = None) -> list[str]:
    """Who holds a mark of ours of this type now; of ``subject`` alone where given. Raises `UnableToMark`."""
    if mark_type != border_issuer(conf.authority().entity_id):
        raise UnableToMark("a mark type that is not ours")
    marks = IssuedMark.objects.filter(
        mark_type=mark_type, revoked_at=None, peer__suspended_at=None, peer__recognised_at__isnull=False
    )
    holders = marks.order_by("peer__entity_id").values_list("peer__entity_id", flat=True)
    return [holder for holder in holders if subject is None or holder == subject]


def status(text: str, now: int) -> str:
    """The signed answer about a mark that somebody shows: active, expired, revoked or invalid (Federation §8.4.2).

    Raises `Refusal` (malformed) for what is no trust mark, `UnableToMark` for one that this node never gave.
    """
    parsed = jws.parse_unverified(text, TRUST_MARK)
    mark = _given(parsed.claims)
    claims = {"iss": conf.authority().entity_id, "iat": now, "trust_mark": text, "status": _status(parsed, mark, now)}
    return jws.sign(STATUS_RESPONSE, claims, signing.signer("federation"))


def _status(parsed: jws.Parsed, mark: IssuedMark, now: int) -> str:
    try:
        jws.verify(parsed, TRUST_MARK, signing.published("federation", now=now), now=now)
    except Refusal as refusal:
        return "expired" if refusal.reason is Reason.EXPIRED else "invalid"
    standing = mark.revoked_at is None and mark.peer.recognised
    return "active" if standing and parsed.claims["iat"] >= mark.issued_at else "revoked"


def _given(claims: Mapping[str, Any]) -> IssuedMark:
    if claims.get("iss") != conf.authority().entity_id:
        raise UnableToMark("a mark of another issuer")
    if not all(str(claims.get(name)).isprintable() for name in ("sub", "trust_mark_type")):
        raise UnableToMark("a mark about nobody")
    newest = IssuedMark.objects.filter(
        peer__entity_id=str(claims.get("sub")), mark_type=str(claims.get("trust_mark_type"))
    )
    mark = newest.select_related("peer").order_by("-pk").first()
    if mark is None:
        raise UnableToMark("a mark that was never given")
    return mark


def _standing(mark_type: str, subject: str) -> IssuedMark:
    marks = IssuedMark.objects.filter(mark_type=mark_type, peer__entity_id=subject, revoked_at=None)
    mark = marks.select_related("peer").first()
    if mark is None or not mark.peer.recognised:
        raise UnableToMark("no such mark")
    return mark
