"""URLs of the border."""

from django.urls import path

from idp.border import views

urlpatterns = [
    path("border/tokens", views.BorderTokens.as_view()),
    path("border/tokens/<str:jti>/revoke", views.RevokeBorderToken.as_view()),
    path("border/face-references", views.FaceReferences.as_view()),
    path("border/lanes/enrol", views.EnrolLane.as_view()),
    path("border/checkpoints/<slug:code>/bundle", views.Bundle.as_view()),
    path("border/checkpoints/<slug:code>/sealing-keys", views.SealingKeys.as_view()),
    path("border/checkpoints/<slug:code>/face-models", views.FaceModels.as_view()),
    path("border/journal", views.Journal.as_view()),
    path("border/receipts", views.Receipts.as_view()),
]
