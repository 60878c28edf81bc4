"""Which officer holds which role, and held it."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from idp.accounts.models.people import Account
from idp.accounts.roles import Role


class RoleGrant(models.Model):
    """A role given to an officer. Never deleted: it ends, and may be given anew."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="role_grants")
    role = models.CharField(_("role"), max_length=32, choices=Role.choices)
    granted_by = models.CharField(max_length=255)  # as the audit names them
    granted_at = models.BigIntegerField()  # seconds since 1970
    ended_at = models.BigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("role of an officer")
        verbose_name_plural = _("roles of officers")
        constraints = [
            models.UniqueConstraint(
                name="accounts_rolegrant_one_live", fields=["account", "role"], condition=Q(ended_at=None)
            ),
            models.CheckConstraint(name="accounts_rolegrant_role_known", condition=Q(role__in=sorted(Role.values))),
            models.CheckConstraint(
                name="accounts_rolegrant_ends_after_it_began",
                condition=Q(ended_at=None) | Q(ended_at__gte=F("granted_at")),
            ),
            models.CheckConstraint(name="accounts_rolegrant_by_somebody", condition=~Q(granted_by="")),
        ]

    def __str__(self) -> str:
        return f"{self.account}: {self.get_role_display()}"
