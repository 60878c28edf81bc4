"""URLs of this room."""

from django.urls import path

from idp.biometrics import asking, children, following, views

urlpatterns = [
    path("account/documents/link", views.link, name="link-document"),
    path("account/children/link", children.link, name="link-child"),
    path("account/documents/<uuid:document_id>/face", asking.renew, name="renew-face"),
    path("account/faces/<uuid:job_id>", views.face, name="face-job"),
    path("account/faces/<uuid:job_id>/frames", views.frames),
    path("account/faces/<uuid:job_id>/state", following.state),
    path("account/faces/<uuid:job_id>/events", following.events),
    path("account/faces/<uuid:job_id>/cancel", following.cancel),
]
