from django.apps import AppConfig


class OidcConfig(AppConfig):
    name = "idp.oidc"

    def ready(self) -> None:
        from idp.federation import entities
        from idp.oidc import metadata, tasks  # noqa: F401  the tasks are known once they are imported

        entities.contribute("openid_provider", metadata.openid_provider)
        entities.contribute("oauth_authorization_server", metadata.oauth_authorization_server)
