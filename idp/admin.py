"""The admin site of an authority: a second factor is required of every officer."""

from typing import Any

from django_otp import devices_for_user
from django_otp.admin import OTPAdminAuthenticationForm, OTPAdminSite


class OfficerLoginForm(OTPAdminAuthenticationForm):
    """One step for an officer with one device: django-otp asks for a choice of device even then."""

    def clean_otp(self, user: Any) -> None:
        if user is not None and not self.cleaned_data.get("otp_device"):
            devices = list(devices_for_user(user))
            if len(devices) == 1:
                self.cleaned_data["otp_device"] = devices[0].persistent_id
        super().clean_otp(user)


class CausewayAdminSite(OTPAdminSite):
    """Django's admin site behind a one-time password (django-otp)."""

    login_form = OfficerLoginForm
    site_header = site_title = "Causeway"
    index_title = "Authority"
