from django.apps import AppConfig


class OidcConfig(AppConfig):
    name = "idp.oidc"
