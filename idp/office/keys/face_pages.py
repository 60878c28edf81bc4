"""The page about the keys of the faces, and the proposal to wrap every row by the current one."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from idp import admin as site
from idp import clock
from idp.audit.admin_actions import officer_of
from idp.biometrics import rewrap_orders
from idp.biometrics.models import FaceReference, RewrapOrder
from idp.federation.columns import shown
from idp.office.keys import face_keys
from idp.office.keys.forms import ReasonForm
from idp.office.keys.pages import VIEW
from idp.proposals import proposing
from idp.proposals.executors import Unacceptable
from idp.proposals.models import Proposal
from idp.proposals.proposing import UnableToPropose
from idp.protocol.refusals import Unavailable

TITLE = _("Keys of the faces")
ORDERS = 5  # of those that were finished


@site.page("face-keys/", name="office_face_keys", title=TITLE, section="keys", permission=VIEW)
def faces(request: HttpRequest) -> HttpResponse:
    """Where each wrapping key lies, whether it answers, how many rows it wrapped."""
    orders = RewrapOrder.objects.order_by("-pk")[:ORDERS]
    return site.rendered(
        request,
        "office/keys/faces.html",
        title=TITLE,
        found=face_keys.overview(),
        away=FaceReference.objects.filter(keeper=FaceReference.Keeper.DEVICE).count(),
        orders=[(order, shown(order.ordered_at), shown(order.finished_at)) for order in orders],
        proposals=Proposal.objects.filter(kind=rewrap_orders.KIND, state=Proposal.State.PROPOSED),
    )


@site.page(
    "face-keys/rewrap/",
    name="office_rewrap",
    title=_("Wrap them anew"),
    section="keys",
    permission=rewrap_orders.PERMISSION,
    listed=False,
)
def rewrap(request: HttpRequest) -> HttpResponse:
    """An order to the workers, written down for another officer."""
    form, now = ReasonForm(request.POST or None), clock.now()
    lines: list[str] = []
    try:
        payload = {"key": rewrap_orders.current()}
        lines = list(rewrap_orders.Rewrap().changes(Proposal(payload=payload), now=now))
        if request.method == "POST" and form.is_valid():
            return _proposed(request, payload, form.cleaned_data["why"], now)
    except (Unacceptable, UnableToPropose, Unavailable) as error:
        messages.error(request, str(error))
        return redirect("admin:office_face_keys")
    return site.rendered(request, "office/keys/rewrap.html", title=_("Wrap them anew"), form=form, lines=lines)


def _proposed(request: HttpRequest, payload: dict[str, Any], why: str, now: int) -> HttpResponse:
    made = proposing.propose(
        kind=rewrap_orders.KIND, subject=payload["key"], payload=payload, why=why, officer=officer_of(request), now=now
    )
    messages.success(request, _("The change waits for another officer."))
    return redirect("admin:proposals_proposal_change", made.pk)
