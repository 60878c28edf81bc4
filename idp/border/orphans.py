"""Border tokens that lost what they stand on: found and taken back.

The rooms that own phones, documents, consents and accounts know nothing of border tokens, so this one looks, every few
seconds. It begins at what has ended and not at the tokens: a token lives a day, so what ended longer ago has none, and
the rest is found by an index on its date however many tokens live. It looks at the same endings for all of that time,
so that a token which was being issued while its phone was revoked does not escape either: it is there at the next look.
"""

import datetime
from collections.abc import Iterable, Iterator

from django.db.models import Q, QuerySet

from idp.accounts.models import Account, Device, Endorsement, Guardianship, TravelDocument
from idp.border import revocation
from idp.border.models import IssuedToken, RevocationReason
from idp.oidc.models import Grant

LONGEST = 86_400  # seconds that a token can live; protocol.md, Border token
MARGIN = 3_600  # seconds, for clocks that differ and for transactions that take long
AT_ONCE = 500  # identifiers in one statement

_Orphans = Iterator[tuple[RevocationReason, QuerySet[IssuedToken]]]


def follow(*, now: int) -> int:
    """Take back the living tokens of whatever has ended; how many."""
    return sum(
        revocation.revoke(tokens=tokens, actor="node", reason=reason, now=now)
        for reason, tokens in _orphans(since=now - LONGEST - MARGIN)
    )


def _orphans(*, since: int) -> _Orphans:
    """Tokens by why they are to go; some may be dead or taken back."""
    tokens, moment = IssuedToken.objects.all(), datetime.datetime.fromtimestamp(since, tz=datetime.UTC)
    phones = Device.objects.filter(revoked_at__gt=moment)
    yield RevocationReason.DEVICE, tokens.filter(device_jkt__in=phones.values("jkt"))
    documents = TravelDocument.objects.filter(revoked_at__gt=since)
    yield RevocationReason.DOCUMENT, tokens.filter(document__in=documents.values("pk"))
    endorsements = Endorsement.objects.filter(withdrawn_at__gt=since)
    yield RevocationReason.ENDORSEMENT, tokens.filter(endorsement__in=endorsements.values("pk"))
    accounts = Account.objects.filter(closed_at__gt=since)
    yield RevocationReason.ACCOUNT, tokens.filter(traveller__account__in=accounts.values("pk"))
    # Also those for children whom the account's phone carries.
    yield from _of_grants(RevocationReason.ACCOUNT, Grant.objects.filter(traveller__account__in=accounts.values("pk")))
    yield from _of_grants(RevocationReason.CONSENT, Grant.objects.filter(revoked_at__gt=since))
    yield from _of_children(Guardianship.objects.filter(ended_at__gt=since))


def _of_grants(reason: RevocationReason, grants: QuerySet[Grant]) -> _Orphans:
    """By the identifiers: a token names its grant as text, which is no join."""
    found = [str(pk) for pk in grants.exclude(authorization_details=[]).values_list("pk", flat=True)]
    for start in range(0, len(found), AT_ONCE):
        yield reason, IssuedToken.objects.filter(grant_id__in=found[start : start + AT_ONCE])


def _of_children(ended: Iterable[Guardianship]) -> _Orphans:
    """The child's tokens on the guardian's phones, but for those issued after the guardian took the child up again."""
    for row in ended:
        pair = {"guardian": row.guardian_id, "ward": row.ward_id}
        again = Guardianship.objects.filter(**pair, ended_at=None).first()
        phones = Device.objects.filter(traveller=row.guardian_id)
        before = Q() if again is None else Q(issued_at__lt=again.began_at)
        yield (
            RevocationReason.GUARDIAN,
            IssuedToken.objects.filter(before, traveller=row.ward_id, device_jkt__in=phones.values("jkt")),
        )
