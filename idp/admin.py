"""The admin site of an authority: a second factor is required of every officer."""

from django_otp.admin import OTPAdminSite


class CausewayAdminSite(OTPAdminSite):
    """Django's admin site behind a one-time password (django-otp)."""

    site_header = site_title = "Causeway"
    index_title = "Authority"
