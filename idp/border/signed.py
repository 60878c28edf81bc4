"""What this room has signed by a key of the node and that is still good: border tokens and officers' badges."""

from django.utils.translation import gettext as _

from idp.border.models import IssuedToken, OfficerBadge
from idp.federation.models import SigningKey
from idp.federation.signed_documents import Signed, counted, while_active


def tokens(row: SigningKey, now: int) -> Signed | None:
    """Border tokens in the field, by when they were issued: their rows do not have the key."""
    living = IssuedToken.objects.filter(while_active(row, "issued_at"), expires_at__gt=now, revoked_at=None)
    return counted(living, "expires_at", _("border tokens in the field"))


def badges(row: SigningKey, now: int) -> Signed | None:
    """Officers' badges in force."""
    living = OfficerBadge.objects.filter(while_active(row, "issued_at"), expires_at__gt=now, revoked_at=None)
    return counted(living, "expires_at", _("officers' badges"))
