"""The border in the admin site: officers with a second factor act, everybody else does not."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from idp.accounts.models import Account
from idp.audit.models import AuditEvent
from idp.border import recording
from idp.border.models import Checkpoint, DuplicateAlert, IssuedToken, Lane, WatchlistEntry
from idp.federation.models import StatusList
from idp.protocol.watch_list import watch_hash
from tests.border.world import World, browser

NEW = {
    "code": "futian",
    "name_en": "Futian",
    "name_zh_hans": "福田",
    "neighbour": "CHN",
    "directions": ["exit", "entry"],
}
MODELS = ["checkpoint", "lane", "issuedtoken", "journalentry", "crossingreceipt", "outgoingreceipt", "duplicatealert"]


@pytest.fixture
def officer(world: World) -> Client:
    return browser(Account.objects.create_superuser("officer-7", "x"))


@pytest.fixture
def clerk(world: World) -> Client:
    """An officer who may look at everything of the border and change nothing."""
    account = Account.objects.create_user("clerk", kind="officer", is_staff=True)
    account.user_permissions.set(
        Permission.objects.filter(content_type__app_label="border", codename__startswith="view_")
    )
    return browser(account)


def act(client: Client, model: str, action: str, pk: Any, **more: str) -> Any:
    return client.post(f"/admin/border/{model}/", {"action": action, "_selected_action": [pk], **more}, follow=True)


@pytest.fixture
def crossed(world: World) -> World:
    """A token issued, and one admitted twice at once."""
    assert world.ask().status_code == 201
    other = world.enrol(world.checkpoint, "2", sealing=world.gate.sealing)
    for gate in (world.gate, other):
        gate.entry(world.now, jti="twice")
        recording.record(lane=gate.lane, batch=gate.batch(), now=world.now)
    return world


def test_an_officer_registers_a_checkpoint(officer: Client) -> None:
    page = officer.get("/admin/border/checkpoint/add/")
    assert page.status_code == 200 and "Name in English" in page.content.decode()
    answer = officer.post("/admin/border/checkpoint/add/", NEW)
    assert answer.status_code == 302, answer.content.decode()
    made = Checkpoint.objects.get(code="futian")
    assert (made.name, made.directions) == ({"en": "Futian", "zh-Hans": "福田"}, ["exit", "entry"])
    assert made.hosted.metadata["oauth_resource"]["resource_name"] == "Futian"
    event = AuditEvent.objects.get(kind="checkpoint.registered", subject=made.entity_id)
    assert event.actor.startswith("account:")
    assert officer.get(f"/admin/border/checkpoint/{made.pk}/change/").status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "Futian_1"},
        {"code": "lo-wu"},
        {"code": "-x"},
        {"code": ""},
        {"neighbour": "HKG"},
        {"directions": []},
        {"directions": ["sideways"]},
        {"name_en": ""},
    ],
)
def test_a_checkpoint_that_cannot_be_is_an_error_on_the_page(officer: Client, changes: dict[str, Any]) -> None:
    """invalid solely because of one field; the code ``lo-wu`` is taken."""
    answer = officer.post("/admin/border/checkpoint/add/", {**NEW, **changes})
    assert answer.status_code == 200 and "errorlist" in answer.content.decode()
    assert Checkpoint.objects.count() == 1


def test_one_officer_alone_changes_no_checkpoint(officer: Client, world: World) -> None:
    page = f"/admin/border/checkpoint/{world.checkpoint.pk}/change/"
    assert "/admin/border/places/lo-wu/" in officer.get(page).content.decode()
    assert officer.post(page, {"policy": '{"max_attempts": 1}', "opening": "[]"}).status_code == 403
    assert Checkpoint.objects.get().policy == {}


def test_an_officer_revokes_tokens_and_lanes_and_resolves_alerts(officer: Client, crossed: World) -> None:
    token, lane, alert = IssuedToken.objects.get(), Lane.objects.get(name="2"), DuplicateAlert.objects.get()
    assert "1 border token was revoked." in act(officer, "issuedtoken", "revoke_tokens", token.pk).content.decode()
    assert "what it writes down is refused" in act(officer, "lane", "revoke_lanes", lane.pk).content.decode()
    act(officer, "lane", "revoke_lanes", lane.pk, confirmed="yes")
    act(officer, "duplicatealert", "resolve_alerts", alert.pk)
    for row, name in ((token, "revoked_at"), (lane, "revoked_at"), (alert, "resolved_at")):
        row.refresh_from_db()
        assert getattr(row, name) == crossed.now
    assert AuditEvent.objects.get(kind="border_token.revoked").actor.startswith("account:")


def test_an_officer_suspends_tokens_and_has_them_be_good_again(officer: Client, crossed: World, settings: Any) -> None:
    """In a list of one bit, which cannot say so, nothing is changed."""
    token = IssuedToken.objects.get()
    assert "cannot say" in act(officer, "issuedtoken", "suspend_tokens", token.pk).content.decode()
    StatusList.objects.update(bits=2)
    assert "1 border token was suspended." in act(officer, "issuedtoken", "suspend_tokens", token.pk).content.decode()
    token.refresh_from_db()
    assert token.suspended_at == crossed.now
    assert "1 border token is good again." in act(officer, "issuedtoken", "reinstate_tokens", token.pk).content.decode()
    token.refresh_from_db()
    assert token.suspended_at is None


def test_an_officer_puts_a_number_on_the_watch_list_and_no_page_shows_it(officer: Client) -> None:
    from idp.border.policy import watch_key

    answer = officer.post("/admin/border/watchlistentry/add/", {"document_number": "X998877"}, follow=True)
    entry = WatchlistEntry.objects.get()
    assert entry.number_hash == watch_hash(watch_key(), "X998877").hex()
    page = officer.get(f"/admin/border/watchlistentry/{entry.pk}/change/")
    assert page.status_code == 200
    assert "X998877" not in answer.content.decode() + page.content.decode()
    assert AuditEvent.objects.get(kind="watchlist.added").subject == entry.number_hash


@pytest.mark.parametrize("model", MODELS)
def test_crossings_and_all_else_are_there_to_read(officer: Client, crossed: World, model: str) -> None:
    listed = officer.get(f"/admin/border/{model}/")
    assert listed.status_code == 200
    if model != "checkpoint":
        assert officer.get(f"/admin/border/{model}/add/").status_code == 403
    row = officer.get(f"/admin/border/{model}/1/change/")
    assert row.status_code in (200, 302) and "code_hash" not in row.content.decode()


def test_who_may_look_may_not_act(clerk: Client, crossed: World) -> None:
    """invalid solely because the officer has only the permission to view."""
    assert clerk.get("/admin/border/issuedtoken/").status_code == 200
    act(clerk, "issuedtoken", "revoke_tokens", IssuedToken.objects.get().pk)
    act(clerk, "lane", "revoke_lanes", Lane.objects.get(name="2").pk)
    act(clerk, "duplicatealert", "resolve_alerts", DuplicateAlert.objects.get().pk)
    assert clerk.post("/admin/border/checkpoint/add/", NEW).status_code == 403
    assert clerk.post("/admin/border/watchlistentry/add/", {"document_number": "X"}).status_code == 403
    assert IssuedToken.objects.get().revoked_at is None and DuplicateAlert.objects.get().resolved_at is None
    assert not Lane.objects.exclude(revoked_at=None).exists()


@pytest.mark.parametrize("path", ["checkpoint/", "checkpoint/add/", "issuedtoken/", "journalentry/"])
def test_neither_a_traveller_nor_an_officer_without_second_factor_enters(world: World, path: str) -> None:
    """invalid solely because the one is no officer, and the other has only typed a password."""
    account = Account.objects.create_superuser("officer-8", "x")
    for client in (browser(world.traveller.account), browser(account, second_factor=False), world.machine):
        answer = client.get(f"/admin/border/{path}")
        assert answer.status_code == 302 and "/login/" in answer["Location"]
        assert client.post(f"/admin/border/{path}", NEW).status_code == 302
    assert Checkpoint.objects.count() == 1
