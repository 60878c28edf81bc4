"""What a traveller holds: border tokens and what became of them, and what consents still allow. Facts, never tokens."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from idp.accounts.models import Traveller
from idp.border import limits
from idp.border.models import AdmittedToken, CrossingReceipt, IssuedToken
from idp.conf import authority
from idp.oidc.access import Access

JTI = re.compile(r"[A-Za-z0-9_-]{22}\Z")  # 16 bytes
STATES = ("living", "suspended", "used", "revoked", "expired")


def own(*, traveller: Traveller) -> QuerySet[IssuedToken]:
    """The tokens that the traveller's phones carry: their own, and of children for whom they answer."""
    return IssuedToken.objects.filter(Q(traveller=traveller) | Q(guardian=traveller))


def living(*, traveller: Traveller, now: int) -> QuerySet[IssuedToken]:
    """Those of the traveller's phones that are neither revoked nor expired; some may be used."""
    return own(traveller=traveller).filter(revoked_at__isnull=True, expires_at__gt=now)


def used_at(jtis: Iterable[str]) -> dict[str, int]:
    """When tokens of ours let somebody pass, by ``jti``: as our own lanes wrote it down, and as peers told us."""
    wanted = list(jtis)
    here = AdmittedToken.objects.filter(issuer=authority().entity_id, jti__in=wanted)
    there = CrossingReceipt.objects.filter(token__jti__in=wanted)
    return dict([*there.values_list("token_jti", "at"), *here.values_list("jti", "at")])


def facts(token: IssuedToken, *, used: Mapping[str, int], now: int) -> dict[str, Any]:
    """One token as its holder may see it, with its state (`STATES`); ``used`` is what `used_at` says of it."""
    return {
        "jti": token.jti,
        "checkpoint": token.checkpoint,
        "direction": token.direction,
        "document": str(token.document_id),
        "format": token.form,
        "issued_at": token.issued_at,
        "expires_at": token.expires_at,
        "state": state(token, used=used, now=now),
        "used_at": used.get(token.jti),
        "revoked_at": token.revoked_at,
    }


def state(token: IssuedToken, *, used: Mapping[str, int], now: int) -> str:
    """Which of `STATES`: what was done with a token says more than that it ended."""
    if token.jti in used:
        return "used"
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at <= now:
        return "expired"
    return "living" if token.suspended_at is None else "suspended"


def consents(*, access: Access, now: int) -> list[dict[str, Any]]:
    """The consents of ``access`` that have not ended, each as granted, with how many tokens it was and is good for."""
    found = []
    for consent in limits.living(access, now=now):
        issued = limits.used(access, consent)
        found.append({**consent.wire(), "issued": issued, "remaining": max(0, consent.max_tokens - issued)})
    return found
