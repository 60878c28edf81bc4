"""Who answers for a child: as the register says it, and as a guardian's account has taken it up."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from idp.accounts.models.people import Traveller
from idp.accounts.models.registry import TravelDocument


class RegisteredGuardian(models.Model):
    """The register's word that the holder of the one document is a guardian of the holder of the other.

    By type and number, of the same issuer: the guardian's document may be taken in later, or never.
    """

    document = models.ForeignKey(
        TravelDocument, on_delete=models.CASCADE, related_name="guardians", verbose_name=_("the child's document")
    )
    type = models.CharField(_("type of the guardian's document"), max_length=16, choices=TravelDocument.Type.choices)
    number = models.CharField(_("number of the guardian's document"), max_length=24)  # as the register keeps numbers

    class Meta:
        verbose_name = _("registered guardian")
        verbose_name_plural = _("registered guardians")
        constraints = [
            models.UniqueConstraint(name="accounts_guardian_registered_once", fields=["document", "type", "number"]),
            models.CheckConstraint(
                name="accounts_guardian_type_known",
                condition=Q(type__in=["eep", "hrp", "hkid", "bir", "mvp", "reentry", "passport"]),
            ),
            models.CheckConstraint(name="accounts_guardian_number_present", condition=~Q(number="")),
        ]

    def __str__(self) -> str:
        return f"guardian of {self.document_id}"  # never the number: this ends up in logs


class Guardianship(models.Model):
    """A guardian whose account answers for a child. Never deleted, only ended; times are seconds since 1970."""

    guardian = models.ForeignKey(Traveller, on_delete=models.PROTECT, related_name="guardianships")
    ward = models.ForeignKey(Traveller, on_delete=models.PROTECT, related_name="guardians")
    consented_at = models.BigIntegerField(_("consent to the use of the child's face"))
    began_at = models.BigIntegerField(_("since"))
    ended_at = models.BigIntegerField(_("ended"), null=True, blank=True)
    ended_by = models.CharField(_("ended by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("guardianship")
        verbose_name_plural = _("guardianships")
        indexes = [
            models.Index(name="accounts_guardianship_ended", fields=["ended_at"], condition=Q(ended_at__isnull=False))
        ]
        constraints = [
            models.UniqueConstraint(
                name="accounts_guardianship_one_living", fields=["guardian", "ward"], condition=Q(ended_at=None)
            ),
            models.CheckConstraint(name="accounts_guardianship_of_another", condition=~Q(guardian=F("ward"))),
            models.CheckConstraint(
                name="accounts_guardianship_consent_first", condition=Q(consented_at__lte=F("began_at"))
            ),
            models.CheckConstraint(
                name="accounts_guardianship_ended_by_somebody",
                condition=Q(ended_at=None, ended_by="")
                | (Q(ended_at__isnull=False, ended_at__gte=F("began_at")) & ~Q(ended_by="")),
            ),
        ]

    def __str__(self) -> str:
        return f"guardianship {self.pk}"
