from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OidcConfig(AppConfig):
    name = "idp.oidc"
    verbose_name = _("Relying parties")

    def ready(self) -> None:
        from django.core import checks

        from idp.accounts import sessions
        from idp.accounts import uses as page_of_uses
        from idp.federation import entities, signed_documents
        from idp.oidc import dpop_nonces, initial_access, logout_notices, metadata, signed, uses
        from idp.oidc import tasks as tasks  # known once they are imported

        entities.contribute("openid_provider", metadata.openid_provider)
        entities.contribute("oauth_authorization_server", metadata.oauth_authorization_server)
        signed_documents.contribute("oidc", signed.tokens)
        checks.register(initial_access.check, checks.Tags.security)
        checks.register(dpop_nonces.check, checks.Tags.security)
        sessions.on_end(logout_notices.session_ended)
        page_of_uses.contribute(uses.logins)
