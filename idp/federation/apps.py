"""The federation room, which also registers the check of its one setting."""

from django.apps import AppConfig


class FederationConfig(AppConfig):
    name = "idp.federation"

    def ready(self) -> None:
        from django.core import checks

        from idp.federation import auth_methods

        checks.register(auth_methods.check, checks.Tags.security)
