"""The border room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BorderConfig(AppConfig):
    name = "idp.border"
    verbose_name = _("Border")

    def ready(self) -> None:
        from idp.accounts import uses as page_of_uses
        from idp.audit import verification
        from idp.biometrics import wanted
        from idp.border import signed, surveying, uses
        from idp.border.configuring import changing as configuring
        from idp.border.consent import BorderCrossingConsent
        from idp.border.metadata import border_token_issuer
        from idp.border.records import (
            checks,  # noqa: F401  registers itself
            verifying,
        )
        from idp.border.rules import changing, executing
        from idp.federation import entities, signed_documents
        from idp.oidc import authorization_details
        from idp.proposals import executors
        from idp.protocol.authorization_details import BORDER_CROSSING

        entities.contribute("border_token_issuer", border_token_issuer)
        authorization_details.register(BORDER_CROSSING, BorderCrossingConsent())
        wanted.contribute(surveying.named)
        for source in (uses.tokens, uses.crossings, uses.decisions):
            page_of_uses.contribute(source)
        signed_documents.contribute("border", signed.tokens)
        signed_documents.contribute("bundle", signed.badges)
        verification.contribute(verifying.everywhere)
        executors.register(changing.KIND, executing.TravelRuleChange())
        executors.register(configuring.KIND, configuring.CheckpointChange())
