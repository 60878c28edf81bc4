"""URLs of the border: what machines ask for stands under its version.

Versions are URL namespaces (`idp.border.rim.Versions`): a second one is a second list here, with views of its own
where something has changed and with those of the first where nothing has.
"""

from django.urls import include, path, re_path

from idp.border import rim, token_pages, views, wallet_views
from idp.border.officers import urls as officers

v1 = [
    path("tokens", wallet_views.BorderTokens.as_view()),
    path("tokens/revoke", wallet_views.RevokeBorderTokens.as_view()),
    path("tokens/<str:jti>", wallet_views.BorderToken.as_view()),
    path("tokens/<str:jti>/revoke", wallet_views.RevokeBorderToken.as_view()),
    path("consents", wallet_views.Consents.as_view()),
    path("face-references", wallet_views.FaceReferences.as_view()),
    path("lanes/enrol", views.EnrolLane.as_view()),
    path("checkpoints/<slug:code>/bundle", views.Bundle.as_view()),
    path("checkpoints/<slug:code>/sealing-keys", views.SealingKeys.as_view()),
    path("checkpoints/<slug:code>/face-models", views.FaceModels.as_view()),
    path("journal", views.Journal.as_view()),
    path("receipts", views.Receipts.as_view()),
    path("statements", views.CrossingStatements.as_view()),
    path("officers/", include(officers.v1)),
]
urlpatterns = [
    path("border/v1/", include((v1, "border"), namespace="v1")),
    path("account/border-tokens", token_pages.show, name=token_pages.NAME),
    path("account/border-tokens/revoke", token_pages.revoke, name="border-tokens-revoke"),
    re_path(r"^border/(?P<rest>[\s\S]*)\Z", rim.Nowhere.as_view()),  # a line break too: `path` ends at one
]
