"""The watch over the lanes in the admin site: one page that is asked for anew by itself."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from idp import admin as site
from idp import clock
from idp.border import lane_watch

REFRESH = 30  # seconds: a lane's interval


@site.page(
    "border/watch/",
    name="border-watch",
    title=_("How the lanes are doing"),
    section="border",
    permission="border.view_lane",
)
def watch(request: HttpRequest) -> HttpResponse:
    """Every lane, the most troubled first."""
    now = clock.now()
    rows = lane_watch.watched(now=now)
    return site.rendered(
        request, "border/watch.html", title=_("How the lanes are doing"), rows=rows, refresh=REFRESH, now=now
    )
