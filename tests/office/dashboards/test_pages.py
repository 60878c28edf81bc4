"""The dashboards: who sees which, that page and file say the same, and that asking does not cost more with time."""

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from idp.accounts.roles import PERMISSIONS, Role
from idp.audit.models import AuditEvent
from idp.office.dashboards.figures import Dashboard, Figure
from idp.office.dashboards.pages import DASHBOARDS
from idp.office.dashboards.periods import Period, today
from tests.border.world import World
from tests.office.dashboards.conftest import OFFICER
from tests.office.dashboards.test_plots import marks

SEEN = {
    Role.BORDER: {"crossings", "decisions", "issuance", "revocation"},
    Role.AUDITOR: {"crossings", "decisions", "faces", "issuance", "revocation", "federation"},
    Role.OPERATOR: {"issuance", "revocation", "federation"},
    Role.TRUST: {"federation"},
    Role.BIOMETRIC: {"faces"},
}


def test_every_dashboard_has_a_permission_that_exists_and_somebody_holds(db: None) -> None:
    known = {f"{app}.{name}" for app, name in Permission.objects.values_list("content_type__app_label", "codename")}
    for board in DASHBOARDS:
        assert board.permission in known and any(board.permission in held for held in PERMISSIONS.values()), board.name


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_an_officer_sees_what_the_role_does_not_show(crossed: World, officer: OFFICER, role: Role) -> None:
    page = officer(role)
    seen = {board.name for board in DASHBOARDS if page.get(f"/admin/dashboards/{board.name}/").status_code == 200}
    assert seen == SEEN[role]
    overview = page.get("/admin/dashboards/")
    assert {board.name for board, _url, _figure in overview.context["shown"]} == seen
    for board in DASHBOARDS:
        first = board.figures(Period(today(crossed.now), today(crossed.now)), crossed.now)[0].name
        status = page.get(f"/admin/dashboards/{board.name}/{first}.csv").status_code
        assert status == (200 if board.name in seen else 403), board.name


def found(board: Dashboard, world: World) -> list[Figure]:
    return board.figures(Period(today(world.now), today(world.now)), world.now)


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.name)
def test_a_figure_has_other_cells_than_columns_or_other_marks_than_numbers(crossed: World, board: Dashboard) -> None:
    for figure in found(board, crossed):
        assert all(len(row) == len(figure.columns) for row in figure.rows), figure.name
        drawn = len(marks(figure.plot)) if figure.plot else 0
        assert not figure.rows or not drawn or drawn % len(figure.rows) == 0, figure.name
    names = [figure.name for figure in found(board, crossed)]
    assert len(set(names)) == len(names)


def test_the_file_says_something_else_than_the_page(crossed: World, officer: OFFICER) -> None:
    page = officer(Role.AUDITOR)
    for board in DASHBOARDS:
        shown = page.get(f"/admin/dashboards/{board.name}/?span=week")
        if shown.status_code != 200:
            continue
        for figure in shown.context["found"]:
            answer = page.get(f"/admin/dashboards/{board.name}/{figure.name}.csv?span=week")
            rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
            assert rows[0] == list(figure.columns)
            assert rows[1:] == [["" if cell is None else str(cell) for cell in row] for row in figure.rows]
            event = AuditEvent.objects.latest("pk")
            assert (event.kind, event.subject) == ("figures.exported", f"{board.name}/{figure.name}")
    assert page.get("/admin/dashboards/crossings/other.csv").status_code == 404


def test_a_spreadsheet_reckons_with_a_cell() -> None:
    figure = Figure("n", "t", "a", ("=1+1", "count"), 1, (("@SUM(A1)", -1), ("+852", None), ("a,\n'b", 2)))
    rows = list(csv.reader(io.StringIO(figure.file().decode("utf-8-sig"))))
    assert rows == [["'=1+1", "count"], ["'@SUM(A1)", "-1"], ["'+852", ""], ["a,\n'b", "2"]]


def test_crossings_are_counted_where_nobody_crossed(crossed: World) -> None:
    over_time, places, clock = found(DASHBOARDS[0], crossed)
    assert sum(row[-1] for row in over_time.rows if isinstance(row[-1], int)) == 16
    assert places.rows == (("futian", 0, 2, 2), ("lo-wu", 9, 5, 14))
    assert [sum(map(int, row[1:])) for row in clock.rows if row[1:]] == [2, 14]  # type: ignore[arg-type]


def test_a_referral_is_explained_by_another_reason(crossed: World) -> None:
    _time, places, referred, refused, released, _declined, times, at = found(DASHBOARDS[1], crossed)
    assert places.rows == (("futian", 2, 1, 1, 25.0), ("lo-wu", 13, 2, 0, 13.3))
    assert referred.rows == (("face_no_face", 1, 33.3), ("face_uncertain", 1, 33.3), ("status_stale", 1, 33.3))
    assert sum(row[2] for row in times.rows) == 15  # type: ignore[misc]
    assert [row[:2] for row in at.rows] == [("futian", 2), ("lo-wu", 13)]
    assert refused.rows == (("expired", 1, 100.0),) and released.rows == (("document_checked", 1, 100.0),)


def board(name: str) -> Dashboard:
    return next(one for one in DASHBOARDS if one.name == name)


def test_a_failure_to_acquire_is_not_counted(crossed: World) -> None:
    _time, endings, gates, bands, scores = found(board("faces"), crossed)
    assert endings.rows == (("face_no_face", 3, 12.5), ("face_mismatch", 2, 8.3))
    assert gates.rows == (("futian", 2, 0, 0, 0, 0, 0, 0.0), ("lo-wu", 15, 1, 0, 0, 0, 1, 6.7))
    assert bands.rows == (("futian", 0, 0, 2), ("lo-wu", 0, 1, 13))
    assert (sum(row[1] for row in scores.rows), sum(row[2] for row in scores.rows)) == (19, 2)  # type: ignore[misc]


def test_a_token_is_not_told_as_issued_or_taken_back(crossed: World) -> None:
    over_time, places, revoked = found(board("issuance"), crossed)
    assert sum(row[-1] for row in over_time.rows if isinstance(row[-1], int)) == 9
    assert [row[2:] for row in places.rows] == [(9, 0, 9)] and revoked.rows == (("officer", 8, 100.0),)


def test_a_delay_or_a_lane_that_lacks_is_not_told(crossed: World) -> None:
    delays, places, lacking = found(board("revocation"), crossed)
    assert sum(row[2] for row in delays.rows) == 12  # type: ignore[misc]
    assert [row[:2] for row in places.rows] == [("lo-wu", 12)]
    assert lacking.rows == (("futian/1", 8, 7000, 9000), ("lo-wu/2", 4, 5000, 5100))


def test_a_peer_that_fails_is_not_told(crossed: World) -> None:
    copies, chains, ends, heads, failing = found(board("federation"), crossed)
    assert copies.rows == (("https://cn.example", 3, 30, 23.9), ("https://mo.example", 0, None, None))
    assert chains.rows[0] == ("https://cn.example", 900, 25.0) and ends.rows[0][2] == 40.0
    assert heads.rows[0] == ("https://cn.example", 900, 70, 0)
    assert [(row[0], row[2], row[4]) for row in failing.rows] == [("https://mo.example", "unavailable", 1)]


def test_a_longer_time_asks_more_questions(crossed: World, officer: OFFICER) -> None:
    page: Any = officer(Role.AUDITOR)
    for board in DASHBOARDS:
        asked = []
        for span in ("day", "month"):
            with CaptureQueriesContext(connection) as queries:
                if page.get(f"/admin/dashboards/{board.name}/?span={span}").status_code != 200:
                    break
            asked.append(len(queries))
            assert not [query for query in queries if "border_journalentry" in query["sql"]]
        assert len(set(asked)) <= 1 and all(number <= 24 for number in asked), (board.name, asked)
