"""The traveller is asked for their face once more, where a reference is wanted that the register cannot give."""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from idp import clock
from idp.accounts.models import Traveller
from idp.accounts.notices import Notice
from idp.biometrics import jobs, outdated, renewal
from idp.biometrics.following import logged_in
from idp.problems import Problem, response


def notices(traveller: Traveller, now: int) -> Iterator[Notice]:
    """One for each document, whatever it lacks."""
    for missing in {item.document.pk: item for item in outdated.to_ask(traveller=traveller, now=now)}.values():
        names = {"document": missing.document.get_type_display(), "number": missing.document.masked_number}
        if missing.comparable:
            text = _("Some checkpoints will soon need a new picture of your face: %(document)s %(number)s.") % names
            yield Notice(text, reverse("renew-face", args=[missing.document.pk]), _("Show my face"))
        else:
            text = _("Bring %(document)s %(number)s to a counter: some checkpoints will need a new picture of you.")
            yield Notice(text % names)


@require_POST
def renew(request: HttpRequest, document_id: str) -> HttpResponse:
    """``POST /account/documents/{id}/face``: begin what the notice asks for, and go to the camera page."""
    traveller = logged_in(request)
    if traveller is None:
        return redirect("/account/login?next=/account/")
    now = clock.now()
    asked = [item for item in outdated.to_ask(traveller=traveller, now=now) if item.comparable]
    missing = next((item for item in asked if str(item.document.pk) == str(document_id)), None)
    if missing is None:
        return response(Problem("not_found", "nothing is asked of this document"))
    try:
        document = missing.document  # the traveller's own, or a child's
        job = renewal.ask(traveller=document.traveller, document=document, model=missing.model, now=now)
    except jobs.UnableToEnrol as error:
        return response(Problem(error.code, str(error)))
    return redirect("face-job", job.pk)
