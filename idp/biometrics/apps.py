"""The biometrics room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BiometricsConfig(AppConfig):
    name = "idp.biometrics"
    verbose_name = _("Biometrics")

    def ready(self) -> None:
        from idp.accounts import notices
        from idp.accounts import uses as page_of_uses
        from idp.biometrics import calibrating, checks, key_checks, rewrap_orders, threshold_checks, uses  # noqa: F401  register themselves
        from idp.biometrics.asking import notices as ours
        from idp.proposals import executors

        notices.contribute(ours)
        page_of_uses.contribute(uses.comparisons)
        executors.register(calibrating.KIND, calibrating.ThresholdsChange())
        executors.register(rewrap_orders.KIND, rewrap_orders.Rewrap())
