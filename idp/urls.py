"""Every URL of a node: each room brings its own."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("idp.accounts.urls")),
    path("", include("idp.oidc.urls")),
    path("", include("idp.biometrics.urls")),
    path("", include("idp.border.urls")),
    path("", include("idp.federation.urls")),  # last: hosted entities live under free paths
]
