"""Every URL of a node: each room brings its own."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from idp.openapi import views as openapi

urlpatterns = [
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}mark.svg")),  # browsers ask on every page
    path("admin/", admin.site.urls),
    path("api/openapi.json", openapi.document),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("idp.accounts.urls")),
    path("", include("idp.oidc.urls")),
    path("", include("idp.biometrics.urls")),
    path("", include("idp.border.urls")),
    path("", include("idp.federation.urls")),  # last: hosted entities live under free paths
]
