"""URLs of this room."""

from django.urls import path

from idp.oidc import (
    application_pages,
    authority_pages,
    logout_pages,
    registration_views,
    token_views,
    userinfo_views,
    views,
)
from idp.oidc.trying import pages as trying_pages
from idp.oidc.trying.trials import CALLBACK

urlpatterns = [
    path("account/applications", application_pages.show, name=application_pages.NAME),
    path("account/applications/<int:client_pk>/claims", application_pages.tell_only, name="application-claims"),
    path("account/applications/<int:client_pk>/revoke", application_pages.revoke, name="application-revoke"),
    path(CALLBACK.lstrip("/"), trying_pages.returned),
    path("oidc/par", views.par),
    path("oidc/authorize", views.authorize, name="oidc-authorize"),
    path("oidc/consent", views.consent, name="oidc-consent"),
    path("oidc/token", views.token),
    path("oidc/introspect", token_views.introspect),
    path("oidc/revoke", token_views.revoke),
    path("oidc/federation-registration", views.federation_registration),
    path("oidc/attestation-challenge", views.attestation_challenge),
    path("oidc/register", registration_views.register),
    path("oidc/register/<str:client_id>", registration_views.configuration),
    path("oidc/authorities", authority_pages.choose, name="oidc-authorities"),
    path("oidc/logout", logout_pages.end_session, name="oidc-logout"),
    path("oidc/logout/confirm", logout_pages.confirm, name="oidc-logout-confirm"),
    path("oidc/userinfo", userinfo_views.ask),
    path("oidc/jwks", views.jwks),
    path(".well-known/openid-configuration", views.openid_configuration),
    path(".well-known/oauth-authorization-server", views.authorization_server),
]
