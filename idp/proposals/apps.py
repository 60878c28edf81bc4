"""Changes that need two officers."""

from django.apps import AppConfig


class ProposalsConfig(AppConfig):
    name = "idp.proposals"
