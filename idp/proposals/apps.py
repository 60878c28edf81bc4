"""Changes that need two officers."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProposalsConfig(AppConfig):
    name = "idp.proposals"
    verbose_name = _("Changes by two officers")
