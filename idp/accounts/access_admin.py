"""Second factors, logins and failed logins in the admin site: to be seen, and a throttled login let through again."""

from typing import Any

from django.contrib import admin
from django.db import models, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from idp.accounts.models.access import FailedLogin, PastLogin, SecondFactor
from idp.audit import events
from idp.audit.admin import ReadOnlyModelAdmin
from idp.audit.admin_actions import confirmed

admin.site.unregister([TOTPDevice, StaticDevice])  # theirs show the secret to every officer, again and again
_WHERE = ("username", "ip_address", "user_agent", "path_info")


class UnableToForget(Exception):
    """The failed login is not there any more."""


@transaction.atomic
def forget(failed: FailedLogin, officer: str) -> None:
    """Let somebody try again whom the throttle keeps out. Raises `UnableToForget`."""
    number = failed.pk
    if not FailedLogin.objects.filter(pk=number).delete()[0]:
        raise UnableToForget("it is gone already")
    events.record(kind="accounts.throttle_lifted", actor=officer, subject=f"failed-login:{number}")


@admin.register(SecondFactor)
class SecondFactorAdmin(ReadOnlyModelAdmin):
    """To be seen: made by ``manage.py officer create``, taken away by `appointing`."""

    list_display = ("user", "device", "in_use", "made", "used")
    fields = list_display

    @admin.display(description=_("name"))
    def device(self, factor: SecondFactor) -> str:
        return str(factor.name)

    @admin.display(description=_("confirmed"), boolean=True)
    def in_use(self, factor: SecondFactor) -> bool:
        return bool(factor.confirmed)

    @admin.display(description=_("made"))
    def made(self, factor: SecondFactor) -> Any:
        return factor.created_at

    @admin.display(description=_("last used"), empty_value="–")
    def used(self, factor: SecondFactor) -> Any:
        return factor.last_used_at


class LoginsAdmin(ReadOnlyModelAdmin):
    """Rows of django-axes under column names that our catalogues have."""

    list_display: tuple[str, ...] = ("name", "address", "browser", "path", "when")
    fields: tuple[str, ...] = list_display
    search_fields = _WHERE

    @admin.display(description=_("user name"), ordering="username")
    def name(self, row: Any) -> str:
        return str(row.username)

    @admin.display(description=_("address"), ordering="ip_address")
    def address(self, row: Any) -> str:
        return str(row.ip_address)

    @admin.display(description=_("browser"))
    def browser(self, row: Any) -> str:
        return str(row.user_agent)

    @admin.display(description=_("page"))
    def path(self, row: Any) -> str:
        return str(row.path_info)

    @admin.display(description=_("time"), ordering="attempt_time")
    def when(self, row: Any) -> Any:
        return row.attempt_time


@admin.register(FailedLogin)
class FailedLoginAdmin(LoginsAdmin):
    """What the throttle counts."""

    list_display = (*LoginsAdmin.list_display, "failures")
    fields = list_display
    actions = (
        confirmed(
            "forget",
            _("Forget the selected failed logins"),
            _("Whoever was kept out may try again at once."),
            forget,
            permission="forget",
            refused=UnableToForget,
        ),
    )

    def has_forget_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return bool(request.user.has_perm("accounts.delete_failedlogin"))

    @admin.display(description=_("failures"), ordering="failures_since_start")
    def failures(self, row: FailedLogin) -> int:
        return int(row.failures_since_start)


@admin.register(PastLogin)
class PastLoginAdmin(LoginsAdmin):
    """Who logged in."""
