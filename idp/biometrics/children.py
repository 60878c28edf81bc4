"""The page on which a guardian links the document of a child who has no phone, with the child's face."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from idp import clock
from idp.accounts import documents, guardians
from idp.biometrics import jobs
from idp.biometrics.following import TOO_MANY, logged_in
from idp.biometrics.models import Job
from idp.biometrics.views import LinkForm


class ChildForm(LinkForm):
    """Which document, and the guardian's consent, without which nothing is asked of the register."""

    consent = forms.BooleanField(
        label=_(
            "I am a guardian of this child. I agree that its face is compared with the register's portrait and kept as "
            "a face reference, for border tokens that my phone carries for it."
        )
    )


@require_http_methods(["GET", "POST"])
def link(request: HttpRequest) -> HttpResponse:
    """``/account/children/link``: name the child's document; answered alike for every reason."""
    traveller = logged_in(request)
    if traveller is None:
        return redirect("/account/login?next=/account/children/link")
    form, status, wait = ChildForm(request.POST or None), 200 if request.method == "GET" else 422, 0
    if request.method == "POST" and form.is_valid():
        facts, now = {name: form.cleaned_data[name] for name in LinkForm.base_fields}, clock.now()
        try:
            document = guardians.find_child(guardian=traveller, now=now, **facts)
            job = jobs.begin(traveller=traveller, document=document, kind=Job.Kind.CHILD, now=now)
            return redirect("face-job", job.pk)
        except documents.UnableToLink:
            form.add_error(None, _("The register names you as guardian for no document that matches what you entered."))
        except jobs.UnableToEnrol as error:
            form.add_error(None, TOO_MANY)
            status, wait = 429, error.retry_after
    answer = render(request, "biometrics/child.html", {"form": form}, status=status)
    if wait:
        answer["Retry-After"] = str(wait)
    return answer
