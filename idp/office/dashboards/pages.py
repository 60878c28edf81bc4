"""The dashboards in the admin site: an overview, a page for each, and each figure as a file."""

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext_lazy as _

from idp import admin as site
from idp import clock
from idp.admin import View
from idp.audit import events
from idp.audit.admin_actions import officer_of
from idp.office.dashboards import crossings, decisions, faces, federation, issuance, revocation
from idp.office.dashboards.figures import Dashboard
from idp.office.dashboards.periods import Period, PeriodForm, today

DASHBOARDS = (
    Dashboard(
        "crossings",
        _("Crossings"),
        _("How many crossed, when, where and in which direction."),
        "border.view_crossinghour",
        crossings.figures,
    ),
    Dashboard(
        "decisions",
        _("Decisions of the lanes"),
        _("What the lanes decided, and why travellers were sent to an officer."),
        "border.view_crossinghour",
        decisions.figures,
    ),
    Dashboard(
        "faces",
        _("Faces"),
        _("How enrolments end, failures to acquire a face, and how the scores lie."),
        "biometrics.view_job",
        faces.figures,
    ),
    Dashboard(
        "issuance",
        _("Issuance"),
        _("How many border tokens were issued, for where, and why some were taken back."),
        "border.view_issuancehour",
        issuance.figures,
    ),
    Dashboard(
        "revocation",
        _("Delay of revocations"),
        _("How long revocations take to reach the lanes, and which lanes lack some."),
        "border.view_revocationdelayhour",
        revocation.figures,
    ),
    Dashboard(
        "federation",
        _("Health of the federation"),
        _("Peers, copies of their status lists, trust chains, audit trees, and what fails now."),
        "federation.view_statuslist",
        federation.figures,
        timed=False,
    ),
)


@site.page("dashboards/", name="dashboards", title=_("Overview"), section="dashboards", permission="")
def overview(request: HttpRequest) -> HttpResponseBase:
    """The first figure of today of each dashboard that the officer may see."""
    now = clock.now()
    period = Period(today(now), today(now))
    seen = [board for board in DASHBOARDS if request.user.has_perm(board.permission)]
    shown = [(board, f"admin:dashboard_{board.name}", board.figures(period, now)[0]) for board in seen]
    return site.rendered(request, "office/dashboards.html", title=_("Dashboards"), shown=shown, period=period)


def _page(board: Dashboard) -> View:
    def view(request: HttpRequest) -> HttpResponseBase:
        now = clock.now()
        form = PeriodForm(request.GET or None, now=now)
        period = form.period()
        return site.rendered(
            request,
            "office/dashboard.html",
            title=board.title,
            board=board,
            form=form,
            period=period,
            found=board.figures(period, now),
            file=f"admin:dashboard_{board.name}_file",
            asked=request.GET.urlencode(),
        )

    return view


def _file(board: Dashboard) -> View:
    def view(request: HttpRequest, figure: str) -> HttpResponseBase:
        now = clock.now()
        period = PeriodForm(request.GET or None, now=now).period()
        wanted = next((one for one in board.figures(period, now) if one.name == figure), None)
        if wanted is None:
            raise Http404
        with transaction.atomic():
            events.record(
                kind="figures.exported",
                actor=officer_of(request),
                subject=f"{board.name}/{figure}",
                data={"first": str(period.first), "last": str(period.last)},
            )
        name = f"{board.name}-{figure}-{period.first}-{period.last}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return HttpResponse(wanted.file(), content_type="text/csv; charset=utf-8", headers=headers)

    return view


for _board in DASHBOARDS:
    _where = {"title": _board.title, "section": "dashboards", "permission": _board.permission}
    site.page(f"dashboards/{_board.name}/", name=f"dashboard_{_board.name}", **_where)(_page(_board))
    site.page(
        f"dashboards/{_board.name}/<slug:figure>.csv", name=f"dashboard_{_board.name}_file", listed=False, **_where
    )(_file(_board))
