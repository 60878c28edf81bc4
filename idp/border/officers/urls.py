"""URLs of the officers' interface, version 1. They are pages' neighbours: `idp.machines` leaves them their session."""

from django.urls import path

from idp.border.officers import people, places, records

v1 = [
    path("session", places.Session.as_view()),
    path("checkpoints", places.Checkpoints.as_view()),
    path("checkpoints/<slug:code>", places.Checkpoint.as_view()),
    path("rules", places.Rules.as_view()),
    path("rules/explanations", places.Explanations.as_view()),
    path("watch-list", places.WatchList.as_view()),
    path("crossings", records.Crossings.as_view()),
    path("crossings/<slug:checkpoint>/<slug:lane>/<int:seq>", records.Crossing.as_view()),
    path("alerts", records.Alerts.as_view()),
    path("alerts/<int:number>", records.Alert.as_view()),
    path("alerts/<int:number>/resolve", records.ResolveAlert.as_view()),
    path("discrepancies", records.Discrepancies.as_view()),
    path("discrepancies/<int:number>", records.Discrepancy.as_view()),
    path("discrepancies/<int:number>/resolve", records.ResolveDiscrepancy.as_view()),
    path("receipts/owed", records.OwedReceipts.as_view()),
    path("receipts/received", records.Receipts.as_view()),
    path("documents/search", people.SearchDocuments.as_view()),
    path("tokens", people.Tokens.as_view()),
    path("tokens/<str:jti>", people.Token.as_view()),
    path("revocations", people.Revocations.as_view()),
]
