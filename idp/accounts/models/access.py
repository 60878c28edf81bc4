"""What other packages keep about logins, under names of ours and with the permissions that officers need for it."""

from axes.models import AccessAttempt, AccessLog
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_totp.models import TOTPDevice


class SecondFactor(TOTPDevice):  # type: ignore[misc]  # django-otp has no types
    """The one-time password device of an officer (RFC 6238)."""

    class Meta:
        proxy = True
        verbose_name = _("one-time password device")
        verbose_name_plural = _("one-time password devices")
        default_permissions = ("view",)


class FailedLogin(AccessAttempt):  # type: ignore[misc]  # django-axes has no types
    """Failed logins of one name from one address, which the throttle counts until they are forgotten."""

    class Meta:
        proxy = True
        verbose_name = _("failed login")
        verbose_name_plural = _("failed logins")
        default_permissions = ("view", "delete")

    def __str__(self) -> str:
        return f"failed login {self.pk}"


class PastLogin(AccessLog):  # type: ignore[misc]  # django-axes has no types
    """A login that succeeded."""

    class Meta:
        proxy = True
        verbose_name = _("login")
        verbose_name_plural = _("logins")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"login {self.pk}"
