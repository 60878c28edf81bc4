"""How to reach a traveller, as far as they care to say: nobody verifies it, and nothing here needs it."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from idp.accounts.models.people import Traveller


class ContactDetails(models.Model):
    """What a traveller keeps for applications that they let know it. What is not given is empty."""

    traveller = models.OneToOneField(Traveller, primary_key=True, on_delete=models.CASCADE, related_name="contact")
    email = models.EmailField(_("e-mail address"), blank=True)
    phone = models.CharField(
        _("telephone number"),
        max_length=16,  # ITU-T E.164: 15 digits
        blank=True,
        validators=[RegexValidator(r"\A\+[1-9]\d{5,14}\Z", _("Use + and the country code, then digits only."))],
    )
    street_address = models.CharField(_("street, building, flat"), max_length=200, blank=True)
    locality = models.CharField(_("town or district"), max_length=64, blank=True)
    region = models.CharField(_("province or territory"), max_length=64, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=16, blank=True)
    country = models.CharField(_("country"), max_length=64, blank=True)
    language = models.CharField(_("preferred language"), max_length=16, blank=True)  # BCP 47, of those of our pages
    updated_at = models.BigIntegerField()  # seconds since 1970

    class Meta:
        verbose_name = _("contact details")
        verbose_name_plural = _("contact details")
        constraints = [
            models.CheckConstraint(name="accounts_contact_updated_positive", condition=Q(updated_at__gt=0)),
        ]

    def __str__(self) -> str:
        return str(self.traveller_id)  # never what they say: this ends up in logs

    @property
    def address(self) -> str:
        """The address as on an envelope, in lines; empty when none is given."""
        town = " ".join(part for part in (self.locality, self.region, self.postal_code) if part)
        return "\n".join(part for part in (self.street_address, town, self.country) if part)
