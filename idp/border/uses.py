"""Border tokens, crossings and decisions at gates, for the traveller's page of uses. No outcome: that an officer was
asked is seen at the gate, and why is not for the traveller's eyes."""

from collections.abc import Sequence
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from idp.accounts.uses import Use
from idp.audit.reading import Shown
from idp.border.models import ConfirmedCrossing, IssuedToken, JournalEntry
from idp.conf import authority
from idp.protocol import journal

_SHOWN = (Shown.DOCUMENTS.label, Shown.TEMPLATE.label)


def tokens(people: Sequence[UUID], before: int, limit: int) -> list[Use]:
    """Each border token that a phone fetched."""
    rows = IssuedToken.objects.filter(traveller__in=people, issued_at__lt=before).order_by("-issued_at")[:limit]
    what, why = _("A border token was made for your phone"), _("your phone asked for it")
    return [Use(row.issued_at, row.traveller_id, "gates", what, _place(row.checkpoint), why, _SHOWN) for row in rows]


def crossings(people: Sequence[UUID], before: int, limit: int) -> list[Use]:
    """Each crossing that a gate, here or of a peer, confirmed."""
    rows = ConfirmedCrossing.objects.filter(traveller__in=people, at__lt=before).select_related("token")
    what, why = _("A gate checked you and let you pass"), _("you crossed the border")
    return [
        Use(row.at, row.traveller_id, "gates", what, _place(row.token.checkpoint), why, _SHOWN)
        for row in rows.order_by("-at")[:limit]
    ]


def decisions(people: Sequence[UUID], before: int, limit: int) -> list[Use]:
    """What else a gate of this authority did with a token, as long as the journal has its number."""
    whose = dict(IssuedToken.objects.filter(traveller__in=people, issued_at__lt=before).values_list("jti", "traveller"))
    rows = JournalEntry.objects.filter(jti__in=list(whose), issuer=authority().entity_id, at__lt=before)
    rows = rows.exclude(decision__in=journal.PASSED).select_related("checkpoint")
    what, why = _("A gate checked you"), _("you came to the gate")
    return [
        Use(row.at, whose[row.jti], "gates", what, _place(row.checkpoint.entity_id), why, _SHOWN)
        for row in rows.order_by("-at")[:limit]
    ]


def _place(checkpoint: str) -> str:
    return checkpoint.partition("//")[2]
