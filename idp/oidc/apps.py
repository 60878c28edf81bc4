from django.apps import AppConfig


class OidcConfig(AppConfig):
    name = "idp.oidc"

    def ready(self) -> None:
        from idp.accounts import sessions
        from idp.federation import entities
        from idp.oidc import logout_notices, metadata, tasks  # noqa: F401  the tasks are known once they are imported

        entities.contribute("openid_provider", metadata.openid_provider)
        entities.contribute("oauth_authorization_server", metadata.oauth_authorization_server)
        sessions.on_end(logout_notices.session_ended)
