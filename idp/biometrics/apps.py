"""The biometrics room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BiometricsConfig(AppConfig):
    name = "idp.biometrics"
    verbose_name = _("Biometrics")

    def ready(self) -> None:
        from idp.biometrics import checks, key_checks, threshold_checks  # noqa: F401  register themselves
