"""Django's admin app, told to use the authority's own site."""

from django.contrib.admin.apps import AdminConfig


class CausewayAdminConfig(AdminConfig):
    default_site = "idp.admin.CausewayAdminSite"
