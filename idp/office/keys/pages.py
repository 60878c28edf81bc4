"""The pages about keys: all of them by use, and one key with what depends on it and what may be done about it."""

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from idp import admin as site
from idp import clock
from idp.federation import key_changes, key_watch, key_words
from idp.federation.models import SigningKey
from idp.office.keys import acting, alarm_lines, rows
from idp.office.keys.sealing import sealing_keys
from idp.proposals.models import Proposal

VIEW = "federation.view_signingkey"
SECTION = "keys"
TITLE = _("Keys")


@site.page("keys/", name="office_keys", title=TITLE, section=SECTION, permission=VIEW)
def every(request: HttpRequest) -> HttpResponse:
    """Every signing key that is published, by use; what nears its end; the sealing keys of the checkpoints."""
    now = clock.now()
    return site.rendered(
        request,
        "office/keys/keys.html",
        title=TITLE,
        alarms=alarm_lines.lines(now, may=request.user.has_perm),
        cards=[rows.card(place, now) for place in key_watch.places(now)],
        hosted=[rows.card(place, now) for place in key_watch.hosted(now)],
        sealing=sealing_keys(now),
        proposals=waiting(),
    )


@site.page("keys/key/<str:kid>/", name="office_key", title=TITLE, section=SECTION, permission=VIEW, listed=False)
def one(request: HttpRequest, kid: str) -> HttpResponse:
    """One key: where it lies, its times, what depends on it."""
    now, key = clock.now(), found(kid)
    row = rows.row(key_watch.watched(key, now), now)
    alarms = [line for line in alarm_lines.lines(now, may=request.user.has_perm) if line.alarm.subject == kid]
    context = {
        "row": row,
        "alarms": alarms,
        "proposals": waiting().filter(subject=kid),
        "acts": acting.offered(key, now),
    }
    return site.rendered(request, "office/keys/key.html", title=key_words.short(key), **context)


def found(kid: str) -> SigningKey:
    """The key's row; raises Http404."""
    row = SigningKey.objects.filter(kid=kid).first()
    if row is None:
        raise Http404
    return row


def waiting() -> QuerySet[Proposal]:
    """Changes of keys that wait for a second officer."""
    return Proposal.objects.filter(kind=key_changes.KIND, state=Proposal.State.PROPOSED).order_by("proposed_at")
