"""Taking border tokens back for good, and suspending them. The status list tells the gates, and why only the audit."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from idp.accounts import devices
from idp.accounts.models import Device
from idp.audit import events
from idp.border.models import IssuedToken, RevocationReason
from idp.federation import status_lists
from idp.protocol.status_list import INVALID, SUSPENDED, VALID

BATCH = 500  # tokens in one transaction: a mass revocation holds nobody up for long, and goes on where it was stopped
# What an officer may name, and the column that says it.
WHICH = {
    "token": "jti",
    "traveller": "traveller",
    "device": "device_jkt",
    "document": "document",
    "endorsement": "endorsement__id",  # whose lookup finds nothing for a number that no column can hold
    "authority": "authority",
}
_OF = {
    "device": RevocationReason.DEVICE,
    "document": RevocationReason.DOCUMENT,
    "endorsement": RevocationReason.ENDORSEMENT,
    "authority": RevocationReason.AUTHORITY,
}


class UnableToRevoke(Exception):
    """Nothing was changed. ``code`` is one of `idp.problems`."""

    def __init__(self, detail: str, *, code: str) -> None:
        super().__init__(detail)
        self.code = code


def revoke(
    *,
    tokens: QuerySet[IssuedToken],
    actor: str,
    reason: RevocationReason = RevocationReason.OFFICER,
    now: int,
) -> int:
    """Take back those of ``tokens`` that still live, suspended ones too, for good; how many there were.

    The status of each is set in the transaction that stores and audits it. Again it changes nothing.
    """
    changes = {"revoked_at": now, "revoked_by": actor[:150], "revoked_for": str(reason)}
    return _change(tokens.filter(revoked_at=None), INVALID, "revoked", changes, actor=actor, reason=reason, now=now)


def suspend(
    *,
    tokens: QuerySet[IssuedToken],
    actor: str,
    reason: RevocationReason = RevocationReason.OFFICER,
    now: int,
) -> int:
    """Suspend those of ``tokens`` that still live and are not suspended; how many there were.

    All of them or none: raises `UnableToRevoke` (conflict) where a status list has one bit, which cannot say it.
    """
    changes = {"suspended_at": now, "suspended_by": actor[:150]}
    good = tokens.filter(revoked_at=None, suspended_at=None)
    with transaction.atomic():
        return _change(good, SUSPENDED, "suspended", changes, actor=actor, reason=reason, now=now)


def reinstate(
    *,
    tokens: QuerySet[IssuedToken],
    actor: str,
    reason: RevocationReason = RevocationReason.OFFICER,
    now: int,
) -> int:
    """Have those of ``tokens`` that are suspended be good again; how many. What was revoked stays revoked."""
    changes = {"suspended_at": None, "suspended_by": ""}
    suspended = tokens.filter(revoked_at=None, suspended_at__isnull=False)
    return _change(suspended, VALID, "reinstated", changes, actor=actor, reason=reason, now=now)


ACTS: Mapping[str, Callable[..., int]] = {"revoke": revoke, "suspend": suspend, "reinstate": reinstate}


def carry_out(*, act: str, what: str, which: str, actor: str, reason: RevocationReason | None = None, now: int) -> int:
    """Do ``act``, one of `ACTS`, to the living tokens of ``which``, of a kind in `WHICH`; to how many.

    A phone whose tokens are taken back is revoked itself, or it would fetch new ones. Raises `UnableToRevoke`.
    """
    tokens = tokens_of(what=what, which=which)
    if act == "revoke" and what == "device":
        for device in Device.objects.filter(jkt=which):
            devices.revoke(device=device, actor=actor)
    return ACTS[act](tokens=tokens, actor=actor, reason=reason or _OF.get(what, RevocationReason.OFFICER), now=now)


def tokens_of(*, what: str, which: str) -> QuerySet[IssuedToken]:
    """The tokens of ``which`` of a kind that `WHICH` knows; raises `UnableToRevoke` (not_found) where there is none."""
    if what not in WHICH or not which.isprintable():
        raise UnableToRevoke("nothing that tokens are known by", code="not_found")
    try:
        tokens = IssuedToken.objects.filter(**{WHICH[what]: which})
    except (ValidationError, ValueError) as error:  # no identifier of this kind
        raise UnableToRevoke("no such identifier", code="not_found") from error
    if not tokens.exists() and not (what == "device" and Device.objects.filter(jkt=which).exists()):
        raise UnableToRevoke("no token of ours stands on it", code="not_found")
    return tokens


def _change(
    tokens: QuerySet[IssuedToken],
    status: int,
    done: str,
    changes: dict[str, Any],
    *,
    actor: str,
    reason: RevocationReason,
    now: int,
) -> int:
    living = sorted(tokens.filter(expires_at__gt=now).order_by().values_list("pk", flat=True))
    count = 0
    for start in range(0, len(living), BATCH):
        with transaction.atomic():
            # In one order for everybody, and what another did meanwhile is done.
            some = tokens.filter(pk__in=living[start : start + BATCH])
            rows = list(some.select_for_update(of=("self",)).order_by("pk"))
            _publish(rows, status, actor=actor, now=now)
            IssuedToken.objects.filter(pk__in=[token.pk for token in rows]).update(**changes)
            for token in rows:
                events.record(kind=f"border_token.{done}", actor=actor, subject=token.jti, data={"reason": str(reason)})
        count += len(rows)
    return count


def _publish(rows: Sequence[IssuedToken], status: int, *, actor: str, now: int) -> None:
    places: dict[str, list[int]] = defaultdict(list)
    for token in rows:
        places[token.status_uri].append(token.status_idx)
    for uri, idxs in sorted(places.items()):
        try:
            status_lists.set_statuses(uri, idxs, status, now=now, actor=actor)
        except status_lists.UnableToSetStatus as error:
            if status != SUSPENDED:
                raise
            raise UnableToRevoke(str(error), code="conflict") from error
