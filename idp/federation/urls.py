"""URLs of this room."""

from django.urls import path

from idp.federation import head_views, status_views, views

urlpatterns = [
    path(".well-known/openid-federation", views.configuration),
    path("federation/fetch", views.fetch),
    path("federation/list", views.list_subordinates),
    path("federation/resolve", views.resolve),
    path("federation/trust-mark", views.trust_mark),
    path("federation/trust-mark-status", views.trust_mark_status),
    path("federation/trust-marked", views.trust_marked),
    path("federation/historical-keys", views.historical_keys),
    path("status/aggregation", status_views.aggregation),
    path("status/<slug:name>", status_views.status_list),
    path("audit/v1/head", head_views.head),
    path("audit/v1/consistency", head_views.consistency),
    path("audit/v1/inclusion", head_views.inclusion),
    path("audit/v1/witnessed", head_views.witnessed),
    path("<path:path>/.well-known/openid-federation", views.hosted_configuration),
]
