"""Which tokens in the field a change of terms would stop, in words for the officer who thinks of it.

Tokens of a peer are not kept here: of those is told what the lanes would no longer take. Tokens of ours are counted.
"""

from collections.abc import Iterable, Iterator, Sequence

from django.db.models import Count, Max, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from idp.border.models import IssuedToken, JournalEntry, Lane
from idp.federation.columns import shown
from idp.office.trust.effects import Need, Touched, lost_keys
from idp.oidc.models import Grant

DAY = 86_400
MAX_ENTRIES = 10_000  # of the last day that are counted
MAX_GRANTS = 5_000
AT_ONCE = 500  # identifiers in one statement


def tokens(touched: Sequence[Touched], *, now: int) -> list[str]:
    """What stops working, and until when what goes on does."""
    return [*_of_issuers(touched, now), *_to_checkpoints(touched, now), *_of_clients(touched, now)]


def _refused(touched: Iterable[Touched], need: Need) -> list[str]:
    return [
        item.effect.subject.entity_id
        for item in touched
        if item.known.need is need and item.effect.refused and item.known.keeps_until is None
    ]


def _of_issuers(touched: Sequence[Touched], now: int) -> Iterator[str]:
    lanes = Lane.objects.filter(jwk__isnull=False, revoked_at=None).count()
    for issuer in _refused(touched, Need.ISSUER):
        yield ngettext(
            "%(lanes)d lane refuses every border token of %(issuer)s with its next bundle. How many travellers carry "
            "one is not known here.",
            "%(lanes)d lanes refuse every border token of %(issuer)s with their next bundles. How many travellers "
            "carry one is not known here.",
            lanes,
        ) % {"lanes": lanes, "issuer": issuer}
        recent = JournalEntry.objects.filter(at__gt=now - DAY, issuer=issuer, decision="admit")
        count = recent.order_by()[:MAX_ENTRIES].count()
        yield ngettext(
            "In the last 24 hours %(count)d such token was admitted.",
            "In the last 24 hours %(count)d such tokens were admitted.",
            count,
        ) % {"count": count}
    for kid in lost_keys(touched):
        yield _("Border tokens signed with its key %s are refused at every lane with the next bundle.") % kid


def _to_checkpoints(touched: Sequence[Touched], now: int) -> Iterator[str]:
    for checkpoint in _refused(touched, Need.CHECKPOINT):
        count, last = _living(IssuedToken.objects.filter(checkpoint=checkpoint), now)
        yield _("This node issues no more border tokens for %s.") % checkpoint
        if count:
            yield ngettext(
                "%(count)d token for it is on a phone, good until %(last)s: its own gates decide about it.",
                "%(count)d tokens for it are on phones, the last good until %(last)s: its own gates decide about them.",
                count,
            ) % {"count": count, "last": shown(last)}


def _of_clients(touched: Sequence[Touched], now: int) -> Iterator[str]:
    for client in _refused(touched, Need.CLIENT):
        grants = Grant.objects.filter(client__client_id=client, revoked_at=None)
        found = [str(pk) for pk in grants.values_list("pk", flat=True)[:MAX_GRANTS]]
        yield ngettext(
            "%(client)s begins no more logins and is given no more tokens; %(count)d consent to it stands.",
            "%(client)s begins no more logins and is given no more tokens; %(count)d consents to it stand.",
            len(found),
        ) % {"client": client, "count": len(found)}
        parts = [
            _living(IssuedToken.objects.filter(grant_id__in=found[start : start + AT_ONCE]), now)
            for start in range(0, len(found), AT_ONCE)
        ]
        if count := sum(part for part, _last in parts):
            last = max(last or 0 for _count, last in parts)
            yield ngettext(
                "%(count)d border token on a phone came by it and stays good until %(last)s.",
                "%(count)d border tokens on phones came by it and stay good, the last until %(last)s.",
                count,
            ) % {"count": count, "last": shown(last)}


def _living(rows: QuerySet[IssuedToken], now: int) -> tuple[int, int | None]:
    """How many are good, and until when the last is."""
    found = rows.filter(expires_at__gt=now, revoked_at=None).aggregate(count=Count("pk"), last=Max("expires_at"))
    return found["count"], found["last"]
