"""The audit room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    name = "idp.audit"
    verbose_name = _("Audit")
