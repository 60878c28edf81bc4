"""The export of a search, as the answer to a form that says why."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from idp import admin as site
from idp import clock
from idp.audit.admin_actions import officer_of
from idp.office.auditing import exporting
from idp.office.auditing.forms import ExportForm, SearchForm
from idp.office.auditing.pages import SEE

_PREFIX = "search"


@site.page("audit/export/", name="audit_export", title=_("Export"), section="audit", permission=SEE, listed=False)
@require_POST
def export(request: HttpRequest) -> HttpResponseBase:
    """The ZIP file; or back to the search with what is wrong."""
    search, form = SearchForm(request.POST, prefix=_PREFIX), ExportForm(request.POST)
    query = {name: value for name in search.fields if (value := request.POST.get(f"{_PREFIX}-{name}", ""))}
    back = redirect(f"{reverse('admin:audit_search')}?{urlencode(query)}")
    if not search.is_valid() or not form.is_valid():
        for errors in form.errors.values():
            messages.error(request, " ".join(errors))
        return back
    now = clock.now()
    try:
        pieces = exporting.begin(wanted=search.wanted(), officer=officer_of(request), now=now, **form.cleaned_data)
    except exporting.UnableToExport:
        messages.error(request, _("No head is signed yet, so nothing could be proven."))
        return back
    name = {"Content-Disposition": f'attachment; filename="audit-{now}.zip"'}
    return StreamingHttpResponse(pieces(), content_type="application/zip", headers=name)
