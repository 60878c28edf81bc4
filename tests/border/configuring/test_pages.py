"""Checkpoints and lanes at the admin site: a change by two, a closing by one, a lane enrolled and revoked."""

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from idp.accounts.models import Account
from idp.audit.models import AuditEvent
from idp.border.models import Checkpoint, Lane
from idp.proposals import proposing
from idp.proposals.models import Proposal, Review
from idp.proposals.proposing import UnableToDecide
from tests.border.test_admin import browser
from tests.border.world import World
from tests.proposals.officers import SECOND, appoint

PLACE = "/admin/border/places/lo-wu/"
CHANGE = f"{PLACE}change/"


@pytest.fixture
def officer(world: World) -> Client:
    return browser(Account.objects.create_superuser("first", "x"))


def text(response: Any) -> str:
    return str(response.content.decode())


def settings_of(client: Client, **changes: Any) -> dict[str, Any]:
    """The form as the page shows it, with changes: what a browser would send."""
    context = client.get(CHANGE).context
    form, periods = context["form"], context["periods"]
    sent = {field.html_name: field.value() for each in (form, *periods) for field in each}
    sent |= {field.html_name: field.value() for field in periods.management_form}
    sent |= {"why": "the chief of the checkpoint asked for it", **changes}
    return {name: value for name, value in sent.items() if value is not False and value not in (None, "")}


def approve(made: Proposal, now: int) -> Proposal:
    appoint(SECOND)
    return proposing.approve(proposal=made, officer=SECOND, now=now)


def test_a_change_is_seen_in_words_proposed_by_one_and_made_by_another(officer: Client, world: World) -> None:
    sent = settings_of(officer, max_attempts=5, status=300, on_stale_status="refer")
    shown = text(officer.post(CHANGE, sent))
    for line in ("attempts for one token: 3 → 5", "2 minutes → 5 minutes", "sends everybody to an officer", "1 lane "):
        assert line in shown
    assert not Proposal.objects.exists()
    assert officer.post(CHANGE, {**sent, "propose": "yes"}).status_code == 302
    made = Proposal.objects.get()
    assert Checkpoint.objects.get().policy == {}, "nothing changes before another officer decides"
    assert "2 minutes → 5 minutes" in text(officer.get(f"/admin/proposals/proposal/{made.pk}/change/"))
    assert made.why in text(officer.get(PLACE))
    approve(made, world.now)
    policy = {"on_stale_status": "refer", "max_attempts": 5, "max_age": {"status": 300}}
    assert Checkpoint.objects.get().policy == policy
    data = AuditEvent.objects.get(kind="checkpoint.configured").data
    assert data == {"changed": ["policy"], "officers": [made.proposed_by, SECOND], "proposal": made.pk}


def test_a_form_sent_as_it_was_shown_would_change_nothing(officer: Client, world: World) -> None:
    """Else defaults would become the checkpoint's own, and no later change of the authority's would reach it."""
    assert "nothing would change" in text(officer.post(CHANGE, settings_of(officer)))
    assert not Proposal.objects.exists()


def test_face_thresholds_and_their_effect(officer: Client, world: World) -> None:
    sent = settings_of(officer)
    lower = text(officer.post(CHANGE, {**sent, "admit_0": "0.2", "refer_0": "0.1"}))
    assert "more strangers may pass" in lower and "admits from 0.2" in lower
    assert "cannot look from a higher score" in text(officer.post(CHANGE, {**sent, "admit_0": "0.2", "refer_0": "0.3"}))


def test_opening_hours_are_read_in_rows_and_counted(officer: Client, world: World) -> None:
    sent = settings_of(officer)
    row = {"opening-0-days": ["1", "2", "3", "4", "5"], "opening-0-opens": "06:30", "opening-0-closes": "22:30"}
    shown = text(officer.post(CHANGE, {**sent, **row}))
    assert "day and night → Mon Tue Wed Thu Fri 06:30–22:30" in shown and "Open 168 hours a week until now, 80" in shown
    officer.post(CHANGE, {**sent, **row, "propose": "yes"})
    approve(Proposal.objects.get(), world.now)
    assert Checkpoint.objects.get().opening == [{"days": [1, 2, 3, 4, 5], "from": "06:30", "until": "22:30"}]


@pytest.mark.parametrize(
    "changes",
    [
        {"bundle": "86401"},
        {"status": "0"},
        {"max_attempts": "0"},
        {"modes": []},
        {"eyes": "listed", "reasons": []},
        {"opening-0-opens": "06:30"},
        {"opening-0-days": ["1"], "opening-0-opens": "6:30", "opening-0-closes": "25:00"},
        {"why": ""},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_what_gates_could_not_read_is_an_error_on_the_page(officer: Client, changes: dict[str, Any]) -> None:
    """invalid solely because of one setting."""
    answer = officer.post(CHANGE, {**settings_of(officer), "status": 300, "propose": "yes", **changes})
    assert "errorlist" in text(answer) and not Proposal.objects.exists()


@pytest.mark.parametrize(("policy", "opening"), [('{"max_attempts": 0}', "[]"), ("[1]", "[]"), ("{}", '["x"]')])
def test_json_is_read_as_gates_would(officer: Client, policy: str, opening: str) -> None:
    sent = {"policy": policy, "opening": opening, "active": "on", "why": "x", "propose": "yes"}
    assert "Gates could not read this" in text(officer.post(f"{CHANGE}?as=json", sent))
    good = {**sent, "policy": '{"max_attempts": 2}', "opening": "[]"}
    assert officer.post(f"{CHANGE}?as=json", good).status_code == 302
    assert Proposal.objects.get().payload["after"]["policy"] == {"max_attempts": 2}


def test_an_approval_does_not_undo_what_changed_in_between(officer: Client, world: World) -> None:
    for attempts in (4, 5):
        officer.post(CHANGE, {**settings_of(officer, max_attempts=attempts), "propose": "yes"})
    first, second = Proposal.objects.order_by("pk")
    approve(first, world.now)
    with pytest.raises(UnableToDecide, match="changed since"):
        approve(second, world.now)
    assert Checkpoint.objects.get().policy == {"max_attempts": 4}


def test_one_officer_closes_at_once_and_cannot_open_again_alone(officer: Client, world: World) -> None:
    assert "admit nobody" in text(officer.get(f"{PLACE}close/"))
    assert "errorlist" in text(officer.post(f"{PLACE}close/", {"why": ""})) and Checkpoint.objects.get().active
    assert officer.post(f"{PLACE}close/", {"why": "fire"}).status_code == 302
    assert not Checkpoint.objects.get().active
    assert AuditEvent.objects.get(kind="checkpoint.configured").data == {"changed": ["active"], "why": "fire"}
    assert Review.objects.get().what == "closed: fire"
    assert "it is closed" in text(officer.post(f"{PLACE}close/", {"why": "fire"}))
    officer.post(CHANGE, {**settings_of(officer, active="on"), "propose": "yes"})
    assert not Checkpoint.objects.get().active
    approve(Proposal.objects.get(), world.now)
    assert Checkpoint.objects.get().active


def test_the_enrolment_file_is_in_one_answer_and_nowhere_else(officer: Client, world: World) -> None:
    sent = {"name": "exit-9", "direction": "exit"}
    answer = officer.post(f"{PLACE}enrol/", sent)
    page = text(answer)
    code = re.search(r"&quot;code&quot;: &quot;([^&]+)", page)
    assert code is not None and 'download="lo-wu-exit-9.json"' in page and "no-store" in answer["Cache-Control"]
    assert code[1] not in json.dumps(dict(officer.session.items()))
    assert code[1] not in text(officer.get(f"{PLACE}enrol/?name=exit-9&direction=exit"))
    lane = Lane.objects.get(name="exit-9")
    assert lane.code_hash and lane.code_expires_at == world.now + 86_400
    officer.post(f"{PLACE}enrol/", sent)
    assert Lane.objects.get(name="exit-9").code_hash != lane.code_hash, "another file ends the first one's code"


def test_a_lane_is_revoked_when_it_was_asked_and_its_name_is_not_given_again(officer: Client, world: World) -> None:
    lane = world.gate.lane
    page = f"/admin/border/lanes/{lane.pk}/revoke/"
    assert "switch it off" in text(officer.get(page)) and Lane.objects.get(pk=lane.pk).revoked_at is None
    assert officer.post(page, {"why": "stolen"}).status_code == 302
    assert Lane.objects.get(pk=lane.pk).revoked_at == world.now
    assert AuditEvent.objects.get(kind="lane.revoked").data == {"why": "stolen"}
    assert Review.objects.get().subject == lane.lane_id
    again = officer.post(f"{PLACE}enrol/", {"name": lane.name, "direction": lane.direction})
    assert "was enrolled before" in text(again)


@pytest.mark.parametrize("page", ["change/", "close/", "enrol/"])
def test_who_may_only_look_is_refused(world: World, page: str) -> None:
    clerk = Account.objects.create_user("clerk", kind="officer", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_checkpoint", "view_lane"]))
    client = browser(clerk)
    assert client.get(PLACE).status_code == client.get("/admin/border/places/").status_code == 200
    assert client.get(f"{PLACE}{page}").status_code == 403
    assert client.post(f"{PLACE}{page}", {"why": "x", "name": "a", "direction": "exit"}).status_code == 403
