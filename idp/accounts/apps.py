"""The accounts room, which also registers the checks of a node's configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "idp.accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from idp.accounts import checks
        from idp.accounts.appointing import changing
        from idp.proposals import executors

        checks.register()
        executors.register(changing.ROLE, changing.RoleChange())
        executors.register(changing.OFFICER, changing.OfficerChange())
