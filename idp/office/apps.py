"""The authority's office: roles, work lists, dashboards and the first run. It sees every room below it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OfficeConfig(AppConfig):
    name = "idp.office"
    verbose_name = _("Office")
