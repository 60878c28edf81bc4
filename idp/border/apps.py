from django.apps import AppConfig


class BorderConfig(AppConfig):
    name = "idp.border"
