"""The accounts room, which also registers the checks of a node's configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "idp.accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from idp.accounts import checks, granting
        from idp.accounts.appointing import changing
        from idp.audit import reading
        from idp.proposals import executors

        checks.register()
        reading.contribute_roles(granting.roles_of_actor)
        executors.register(changing.ROLE, changing.RoleChange())
        executors.register(changing.OFFICER, changing.OfficerChange())
