"""This authority's register of the travel documents that it issued, and the endorsements on them."""

import datetime
import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from idp.accounts.models.endings import Ends, EndsQuerySet, dated
from idp.accounts.models.people import Traveller

NEVER = datetime.date(9999, 12, 31)  # "does not expire", as RFC 5280 §4.1.2.5 writes it; Hong Kong cards have no date


class Jurisdiction(models.TextChoices):
    CHN = "CHN", _("Mainland China")
    HKG = "HKG", _("Hong Kong")
    MAC = "MAC", _("Macao")


class TravelDocument(Ends):
    """A document in the register. Without ``traveller`` nobody has linked it to an account yet."""

    STATE, OVER, ENDED_AT = "status", "revoked", "revoked_at"

    class Type(models.TextChoices):
        EEP = "eep", _("Exit-Entry Permit for Travelling to and from Hong Kong and Macao")
        HRP = "hrp", _("Mainland Travel Permit for Hong Kong and Macao Residents")
        HKID = "hkid", _("Hong Kong identity card")
        BIR = "bir", _("Macao resident identity card")
        MVP = "mvp", _("Visit Permit for Residents of Macao to Hong Kong")
        REENTRY = "reentry", _("Hong Kong Re-entry Permit")
        PASSPORT = "passport", _("Passport")

    class Sex(models.TextChoices):
        F = "F", _("female")
        M = "M", _("male")
        X = "X", _("unspecified")

    class Residence(models.TextChoices):
        UNSAID = "", _("not said")
        PERMANENT = "permanent", _("permanent")
        TEMPORARY = "temporary", _("not permanent")

    class Status(models.TextChoices):
        VALID = "valid", _("valid")
        REVOKED = "revoked", _("revoked")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    traveller = models.ForeignKey(Traveller, null=True, blank=True, on_delete=models.PROTECT, related_name="documents")
    type = models.CharField(max_length=16, choices=Type.choices)
    number = models.CharField(max_length=24)  # as printed, without spaces or brackets, in capitals
    name_native = models.CharField(max_length=64)
    name_latin = models.CharField(max_length=64)
    birth_date = models.DateField()
    sex = models.CharField(max_length=1, choices=Sex.choices)
    nationality = models.CharField(max_length=3)  # ISO 3166-1 alpha-3 or ICAO 9303-3 §5
    issued_by = models.CharField(max_length=3, choices=Jurisdiction.choices)
    residence = models.CharField(  # the holder's, in the territory that issued it
        max_length=9, choices=Residence.choices, blank=True, default=Residence.UNSAID
    )
    issued_on = models.DateField(null=True, blank=True)  # empty: the register does not say
    expires_on = models.DateField(default=NEVER)  # last day of validity; NEVER when it has none
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.VALID)
    revoked_at = models.BigIntegerField(null=True, blank=True, editable=False)  # seconds since 1970
    linked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = EndsQuerySet.as_manager()

    class Meta:
        verbose_name = _("travel document")
        verbose_name_plural = _("travel documents")
        indexes = [
            models.Index(name="accounts_document_revoked", fields=["revoked_at"], condition=Q(revoked_at__isnull=False))
        ]
        constraints = [
            models.CheckConstraint(
                name="accounts_document_revoked_dated", condition=dated("status", "revoked", "revoked_at")
            ),
            models.UniqueConstraint(name="accounts_document_number_unique", fields=["issued_by", "type", "number"]),
            models.CheckConstraint(
                name="accounts_document_type_known",
                condition=Q(type__in=["eep", "hrp", "hkid", "bir", "mvp", "reentry", "passport"]),
            ),
            models.CheckConstraint(name="accounts_document_number_present", condition=~Q(number="")),
            models.CheckConstraint(name="accounts_document_sex_known", condition=Q(sex__in=["F", "M", "X"])),
            models.CheckConstraint(
                name="accounts_document_issuer_known", condition=Q(issued_by__in=["CHN", "HKG", "MAC"])
            ),
            models.CheckConstraint(
                name="accounts_document_nationality_length", condition=Exact(Length("nationality"), 3)
            ),
            models.CheckConstraint(name="accounts_document_status_known", condition=Q(status__in=["valid", "revoked"])),
            models.CheckConstraint(
                name="accounts_document_expires_after_birth", condition=Q(expires_on__gt=F("birth_date"))
            ),
            models.CheckConstraint(
                name="accounts_document_expires_after_issue",
                condition=Q(issued_on=None) | Q(expires_on__gte=F("issued_on")),
            ),
            models.CheckConstraint(
                name="accounts_document_residence_known", condition=Q(residence__in=["", "permanent", "temporary"])
            ),
            models.CheckConstraint(
                name="accounts_document_linked_together",
                condition=Q(traveller=None, linked_at=None) | Q(traveller__isnull=False, linked_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"  # never the number: this ends up in logs

    @property
    def does_not_expire(self) -> bool:
        return self.expires_on == NEVER

    @property
    def masked_number(self) -> str:
        """The number with all but its last three characters hidden: for screens that others may see."""
        return "•" * max(0, len(self.number) - 3) + self.number[-3:]

    def usable_on(self, day: datetime.date) -> bool:
        """Whether the document is valid on ``day`` (in the time of the three territories)."""
        return self.status == self.Status.VALID and day <= self.expires_on


class Endorsement(models.Model):
    """Leave to visit, on an Exit-Entry Permit (or, for others, on the document that carries it)."""

    class Kind(models.TextChoices):
        G = "G", _("individual visit")
        L = "L", _("group")
        T = "T", _("family")
        S = "S", _("business")
        Q = "Q", _("other")
        D = "D", _("stay")
        R = "R", _("talent")

    document = models.ForeignKey(TravelDocument, on_delete=models.CASCADE, related_name="endorsements")
    kind = models.CharField(max_length=1, choices=Kind.choices)
    destination = models.CharField(max_length=3, choices=Jurisdiction.choices)
    valid_from = models.DateField()
    valid_to = models.DateField()
    entries_left = models.PositiveSmallIntegerField(null=True, blank=True)  # empty: without limit
    stay_days = models.PositiveSmallIntegerField()  # of each stay
    weekly = models.BooleanField(default=False)  # one entry in each natural week (一周一行)
    place = models.CharField(max_length=16, blank=True)  # where it was issued, in the issuing system's code

    withdrawn_at = models.BigIntegerField(_("withdrawn"), null=True, blank=True, editable=False)  # seconds since 1970

    class Meta:
        verbose_name = _("endorsement")
        verbose_name_plural = _("endorsements")
        indexes = [
            models.Index(
                name="accounts_endorsement_withdrawn", fields=["withdrawn_at"], condition=Q(withdrawn_at__isnull=False)
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="accounts_endorsement_kind_known", condition=Q(kind__in=["G", "L", "T", "S", "Q", "D", "R"])
            ),
            models.CheckConstraint(
                name="accounts_endorsement_destination_known", condition=Q(destination__in=["CHN", "HKG", "MAC"])
            ),
            models.CheckConstraint(
                name="accounts_endorsement_dates_in_order", condition=Q(valid_to__gte=F("valid_from"))
            ),
            models.CheckConstraint(
                name="accounts_endorsement_entries_not_negative",
                condition=Q(entries_left=None) | Q(entries_left__gte=0),
            ),
            models.CheckConstraint(
                name="accounts_endorsement_stay_in_range", condition=Q(stay_days__gte=1, stay_days__lte=3650)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.destination}"
