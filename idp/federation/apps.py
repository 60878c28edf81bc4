"""The federation room, which also registers the checks of its settings."""

from django.apps import AppConfig


class FederationConfig(AppConfig):
    name = "idp.federation"

    def ready(self) -> None:
        from django.core import checks

        from idp.federation import auth_methods, status_lists

        checks.register(auth_methods.check, checks.Tags.security)
        checks.register(status_lists.check, checks.Tags.security)
