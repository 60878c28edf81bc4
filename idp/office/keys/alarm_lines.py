"""Alarms as officers read them: what it is about, since or until when, and where it is seen to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from idp.federation import alarms, key_words
from idp.federation.alarms import Alarm, Kind
from idp.federation.columns import shown
from idp.federation.models import Peer, SigningKey

May = Callable[[str], bool]  # "app.codename"


@dataclass(frozen=True)
class Line:
    """One alarm. ``url`` is empty where there is no page, or none that the officer may see."""

    alarm: Alarm
    subject: str
    at: str
    url: str


def lines(now: int, *, may: May) -> list[Line]:
    """All of them, the gravest first."""
    return list(_lines(alarms.alarms(now), may))


def _lines(found: list[Alarm], may: May) -> Iterator[Line]:
    keys = SigningKey.objects.in_bulk([item.subject for item in found if item.kind is Kind.KEY], field_name="kid")
    peers = dict(Peer.objects.filter(entity_id__in=[item.subject for item in found]).values_list("entity_id", "pk"))
    for item in found:
        key = keys.get(item.subject)
        subject = item.subject if key is None else f"{key_words.use(key)} {key_words.short(key)}"
        yield Line(item, subject, shown(item.at), _url(item, peers, may))


def _url(item: Alarm, peers: dict[str, Any], may: May) -> str:
    if item.kind is Kind.KEY:
        return reverse("admin:office_key", args=[item.subject])
    if item.subject in peers and may("federation.view_peer"):
        return reverse("admin:trust-peer", args=[peers[item.subject]])
    if item.kind is Kind.MARK and may("federation.view_marktype"):
        return reverse("admin:federation_marktype_changelist")
    return ""
