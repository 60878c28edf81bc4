"""Logins at relying parties, for the traveller's page of uses: which, and what each was told."""

from collections.abc import Sequence
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from idp.accounts.uses import Use
from idp.oidc import client_presentation, consent_lines, consents
from idp.oidc.models import Grant


def logins(people: Sequence[UUID], before: int, limit: int) -> list[Use]:
    """Each grant: a login, or leave to ask for border tokens."""
    rows = Grant.objects.filter(traveller__in=people, created_at__lt=before).select_related("client", "traveller")
    return [_use(row) for row in rows.order_by("-created_at")[:limit]]


def _use(grant: Grant) -> Use:
    lines = consent_lines.agreed(consents.told(grant))
    name = client_presentation.of(grant.client).name
    login = "openid" in grant.scope.split()
    what = _("You logged in at an application") if login else _("You allowed an application to act for you")
    why = _("you allowed it")
    return Use(
        grant.created_at, grant.traveller_id, "applications", what, name, why, tuple(line.label for line in lines)
    )
