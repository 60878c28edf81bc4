"""The pages on which a traveller links a travel document with their face."""

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from idp import clock
from idp.accounts import documents, guardians
from idp.accounts.models import TravelDocument
from idp.biometrics import captures, enrolment, jobs, showing
from idp.biometrics.following import TOO_MANY, logged_in, own_job
from idp.biometrics.models import Job
from idp.problems import Problem, response
from idp.protocol.refusals import Unavailable

MAX_BODY = captures.MAX_SESSION + 65_536  # bytes; and the form around the pictures


class LinkForm(forms.Form):
    """Which document of the register; answered alike whether it exists or not."""

    type = forms.ChoiceField(label=_("Document"), choices=TravelDocument.Type.choices)
    number = forms.CharField(label=_("Number"), max_length=24)
    birth_date = forms.DateField(label=_("Date of birth"), widget=forms.DateInput(attrs={"type": "date"}))
    expires_on = forms.DateField(
        label=_("Date of expiry"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Leave empty where the document has none."),
    )


@require_http_methods(["GET", "POST"])
def link(request: HttpRequest) -> HttpResponse:
    """``/account/documents/link``: name the document."""
    traveller = logged_in(request)
    if traveller is None:
        return redirect("/account/login?next=/account/documents/link")
    form = LinkForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            document = guardians.find_own(now=clock.now(), **form.cleaned_data)
            job = jobs.begin(traveller=traveller, document=document, now=clock.now())
            return redirect(f"/account/faces/{job.pk}")
        except documents.UnableToLink:
            form.add_error(None, _("No document of this authority matches what you entered."))
        except jobs.UnableToEnrol as error:
            form.add_error(None, TOO_MANY)
            answer = render(request, "biometrics/link.html", {"form": form}, status=429)
            answer["Retry-After"] = str(error.retry_after)
            return answer
    return render(request, "biometrics/link.html", {"form": form}, status=200 if request.method == "GET" else 422)


@require_GET
def face(request: HttpRequest, job_id: str) -> HttpResponse:
    """``/account/faces/{id}``: the camera page of a job."""
    job = own_job(request, job_id)
    if job is None:
        return redirect("/account/login?next=/account/documents/link")
    return render(request, "biometrics/face.html", {"job": job, "takes": showing.takes(job)})


@require_POST
@csrf_exempt  # looked for in `_frames`, after the size: reading the token reads the whole body
def frames(request: HttpRequest, job_id: str) -> HttpResponse:
    """``POST /account/faces/{id}/frames``: files ``frame-0`` look straight, ``frame-1`` do what comes first."""
    try:
        size = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return response(Problem("invalid_request", "Content-Length"))
    if size > MAX_BODY:
        return response(Problem("too_large", "burst"))
    return _frames(request, job_id)


@csrf_protect
def _frames(request: HttpRequest, job_id: str) -> HttpResponse:
    job = own_job(request, job_id)
    if job is None:
        return response(Problem("forbidden", "not logged in"))
    try:
        numbers = range(len(job.challenge) + 1)
        takes = [[upload.read() for upload in request.FILES.getlist(f"frame-{number}")] for number in numbers]
        enrolment.submit(job=job, takes=takes, now=clock.now())
    except jobs.UnableToEnrol as error:
        return response(Problem(error.code, str(error), headers=_wait(error)))
    except Unavailable as error:  # the token with the key of the faces is away: nothing was taken
        return response(Problem("temporarily_unavailable", str(error)))
    return JsonResponse({"state": Job.State.QUEUED.value}, status=202)


def _wait(error: jobs.UnableToEnrol) -> dict[str, str]:
    return {"Retry-After": str(error.retry_after)} if error.retry_after else {}
