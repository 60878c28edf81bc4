"""The types of trust marks that this anchor knows: who may give each, and whose it is (Federation §3.1.2, §7.2)."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from idp import conf
from idp.audit.events import record
from idp.federation import signing
from idp.federation.models import MarkType
from idp.protocol import jws, keys
from idp.protocol.entity_statements import check_entity_id
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.trust_marks import DELEGATION

LIFETIME = 3 * 86_400  # seconds
MAX_LIFETIME = signing.OVERLAP - 86_400  # a mark must not outlive the key under it; it is signed again all the time
MAX_TEXT = 1024  # characters


class UnableToMark(Exception):
    """There is no such trust mark, or it cannot be given; ``code`` is that of the problem document."""

    def __init__(self, detail: str, *, code: str = "not_found") -> None:
        super().__init__(detail)
        self.code = code


def border_issuer(anchor: str) -> str:
    """The mark type by which ``anchor`` says: border tokens of this authority are good at my gates."""
    return f"{anchor}/trust-marks/border-issuer"


def add(
    *,
    mark_type: str,
    now: int,
    description: str = "",
    issuers: Sequence[str] | None = None,
    owner: str = "",
    owner_jwks: Mapping[str, Any] | None = None,
    delegation: str = "",
    lifetime: int = LIFETIME,
    actor: str = signing.ACTOR,
) -> MarkType:
    """Make a type known, or replace what is known of it.

    ``mark_type`` is a URL. ``issuers`` may give it: this node alone unless said, anybody where the list is empty. A
    type of another ``owner`` comes with the owner's federation keys, and with its ``delegation`` to this node where
    this node is to give it. Raises `UnableToMark` or `Refusal` (an identifier, a key or a delegation that does not
    hold).
    """
    node = conf.authority()
    allowed = [node.entity_id] if issuers is None else sorted(set(issuers))
    for entity_id in (mark_type, *allowed, *([owner] if owner else [])):
        check_entity_id(entity_id, allow_loopback_http=node.insecure_loopback_http)
    if mark_type == border_issuer(node.entity_id):
        raise UnableToMark("the border issuer's type is built in", code="conflict")
    if not 0 < lifetime <= MAX_LIFETIME or len(description) > MAX_TEXT:
        raise UnableToMark("a lifetime or description beyond measure", code="invalid_request")
    if bool(owner) != (owner_jwks is not None) or (delegation and not owner) or owner == node.entity_id:
        raise UnableToMark("another owner comes with keys, and a delegation with its owner", code="invalid_request")
    pinned = None if owner_jwks is None else keys.parse_jwks(owner_jwks)
    if delegation and pinned is not None:
        _delegated(delegation, mark_type=mark_type, owner=owner, owner_jwks=pinned.jwks(), now=now)
    with transaction.atomic():
        row, _ = MarkType.objects.update_or_create(
            mark_type=mark_type,
            defaults={
                "description": description,
                "owner_entity_id": owner,
                "owner_jwks": None if pinned is None else pinned.jwks(),
                "delegation": delegation,
                "issuers": allowed,
                "lifetime": lifetime,
            },
        )
        data = {"issuers": allowed, "owner": owner, "delegated": bool(delegation)}
        record(kind="federation.mark_type.added", actor=actor, subject=mark_type[:255], data=data)
    return row


def stated() -> dict[str, Any]:
    """``trust_mark_issuers`` and ``trust_mark_owners`` of the node's configuration; the second only where there are."""
    node = conf.authority().entity_id
    rows = list(MarkType.objects.order_by("mark_type"))
    owners = {
        row.mark_type: {"sub": row.owner_entity_id, "jwks": row.owner_jwks} for row in rows if row.owner_entity_id
    }
    issuers = {border_issuer(node): [node], **{row.mark_type: row.issuers for row in rows}}
    return {"trust_mark_issuers": issuers, **({"trust_mark_owners": owners} if owners else {})}


def ours(mark_type: str, now: int) -> tuple[int, str]:
    """How long a mark of this type that we give lives, in seconds, and the delegation that it carries or "".

    Raises `UnableToMark` where this node may not give it: unknown, of other issuers, or not (or no more) delegated.
    """
    node = conf.authority().entity_id
    if mark_type == border_issuer(node):
        return LIFETIME, ""
    row = MarkType.objects.filter(mark_type=mark_type).first()
    if row is None or (row.issuers and node not in row.issuers):
        raise UnableToMark("not a mark type of this node")
    if not row.owner_entity_id:
        return row.lifetime, ""
    try:
        until = _delegated(
            row.delegation, mark_type=mark_type, owner=row.owner_entity_id, owner_jwks=row.owner_jwks, now=now
        )
    except Refusal as refusal:
        why = "has run out" if refusal.reason is Reason.EXPIRED else "does not hold"
        raise UnableToMark(f"the owner's delegation {why}", code="conflict") from refusal
    return (row.lifetime if until is None else min(row.lifetime, until - now)), row.delegation


def _delegated(text: str, *, mark_type: str, owner: str, owner_jwks: Mapping[str, Any], now: int) -> int | None:
    """Until when the owner lets this node give marks of the type; None without an end (Federation §7.2.1, §7.2.2)."""
    parsed = jws.parse_unverified(text, DELEGATION)
    if not parsed.kid:
        raise Refusal(Reason.MALFORMED, "a delegation without kid")
    claims = jws.verify(parsed, DELEGATION, keys.parse_jwks(owner_jwks), now=now).claims
    if claims["iss"] != owner:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "a delegation by another than the owner")
    if claims["sub"] != conf.authority().entity_id or claims["trust_mark_type"] != mark_type:
        raise Refusal(Reason.POLICY_VIOLATION, "a delegation to another issuer, or of another type")
    if claims.get("exp", now + 1) <= now:  # without leeway here: a mark must not outlive it
        raise Refusal(Reason.EXPIRED, "a delegation that has run out")
    return claims.get("exp")
