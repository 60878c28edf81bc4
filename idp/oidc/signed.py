"""What this room has signed by a key of the node and that is still good."""

from django.utils.translation import gettext as _

from idp.federation.models import SigningKey
from idp.federation.signed_documents import Signed
from idp.oidc.tokens import ACCESS_LIFETIME, ALGORITHM, ID_TOKEN_LIFETIME


def tokens(row: SigningKey, now: int) -> Signed | None:
    """Nobody keeps them, so that they are told by when the last of them ends."""
    lifetime = ACCESS_LIFETIME if row.algorithm == ALGORITHM else ID_TOKEN_LIFETIME
    until = (row.retired_at or now) + lifetime
    return Signed(_("access tokens and id tokens"), None, until) if until > now else None
