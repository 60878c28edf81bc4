"""The page of uses: a use that its traveller never learns of, or one that tells what it must not."""

import uuid
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from idp.accounts import granting, uses
from idp.accounts.models import Account
from idp.accounts.roles import Role
from idp.audit import events, reading
from idp.audit.models import AuditEvent
from idp.biometrics.models import Job
from idp.border import recording
from idp.border.models import ConfirmedCrossing, IssuedToken
from idp.oidc.models import Grant
from tests.border.world import NODE, World, browser
from tests.looks import look, subject_of

LAST = 253_370_736_000
CASE = "2027/113"


@pytest.fixture
def clerk(world: World) -> Account:
    account = Account.objects.create_user("clerk.wong", kind="officer", is_staff=True)
    granting.grant(account=account, role=Role.BORDER, actor="console", now=world.now)
    return account


def looked(world: World, clerk: Account, whose: str = "", **given: Any) -> AuditEvent:
    facts = {
        "actor": f"account:{clerk.pk}",
        "subject": "s",
        "what": "page",
        "reason": "complaint",
        "kinds": ["documents"],
    }
    with transaction.atomic():
        return reading.note(**{**facts, "whose": [whose or f"traveller:{world.traveller.pk}"], **given})


def found(world: World, before: int = LAST, limit: int = 50, group: str = "") -> list[uses.Use]:
    return uses.of(traveller=world.traveller, now=world.now, before=before, limit=limit, group=group)[0]


def said(world: World, group: str = "") -> list[tuple[str, str]]:
    return [(str(use.what), str(use.who)) for use in found(world, group=group)]


def own_page(world: World, query: str) -> Any:
    mei = Client(headers={"host": "hk.localhost"})
    mei.force_login(world.traveller.account, backend="django.contrib.auth.backends.ModelBackend")
    session = mei.session
    session["causeway_authentication"] = {"acr": "a", "amr": ["pwd"], "at": world.now, "sid": "s"}
    session.save()
    return mei.get(f"/account/uses{query}")


def test_every_kind_of_use_is_told(world: World, clerk: Account) -> None:
    """Logins, applications, faces, tokens, crossings, gates, looks and changes."""
    assert world.ask().status_code == 201
    token = IssuedToken.objects.get()
    ConfirmedCrossing.objects.create(
        token=token, traveller=world.traveller, authority=NODE, territory="CHN", direction="exit", at=world.now,
        confirmed_at=world.now, use="",
    )  # fmt: skip
    world.gate.entry(world.now, jti=token.jti, iss=NODE, decision="refer", reason="watch_list_hit")
    recording.record(lane=world.gate.lane, batch=world.gate.batch(), now=world.now)
    Job.objects.create(
        kind="link", traveller=world.traveller, document=world.document, created_at=world.now,
        state="done", finished_at=world.now, score=0.4321, reason="face_mismatch",
    )  # fmt: skip
    account = world.traveller.account
    looked(world, clerk)
    with transaction.atomic():
        events.record(kind="accounts.logged_in", actor=f"account:{account.pk}")
        events.record(kind="admin.changed", actor="account:7", subject=f"accounts.traveldocument:{world.document.pk}")
    texts = said(world)
    what = [text for text, _ in texts]
    assert set(what) >= {
        "An officer looked at your data",
        "An officer changed your data",
        "Somebody logged in to your account",
        "Your face was compared to link a document",
        "A border token was made for your phone",
        "A gate checked you and let you pass",
        "A gate checked you",
    }
    assert ("An officer looked at your data", "border officer") in texts
    page = own_page(world, "").content.decode()
    for secret in ("watch_list", "0.4321", "face_mismatch", "clerk.wong", f"account:{clerk.pk}"):
        assert secret not in page


def test_a_login_at_a_relying_party_tells_which_and_what_it_was_told(world: World) -> None:
    grant = world.grant()
    Grant.objects.filter(pk=grant.pk).update(scope="openid", claims={"userinfo": {"name": None}})
    (use,) = found(world, group="applications")
    assert str(use.what) == "You logged in at an application" and use.who and use.whose == world.traveller.pk


@pytest.mark.parametrize("by", ["traveller", "document"])
def test_a_look_at_a_person_or_their_document_is_told(world: World, clerk: Account, by: str) -> None:
    looked(world, clerk, f"{by}:{getattr(world, by).pk}")
    looked(world, clerk, f"{by}:{uuid.uuid4()}")
    (use,) = found(world, group="officers")
    assert (str(use.why), [str(kind) for kind in use.kinds]) == ("a complaint", ["travel documents"])


def test_a_look_at_two_of_ones_rows_is_one(world: World, clerk: Account) -> None:
    with transaction.atomic():
        reading.note(
            actor="account:7", subject="s", what="list", reason="complaint",
            whose=[f"traveller:{world.traveller.pk}", f"document:{world.document.pk}"],
        )  # fmt: skip
    assert len(found(world, group="officers")) == 1


def test_the_role_is_the_one_that_was_held_then(world: World, clerk: Account) -> None:
    looked(world, clerk)
    granting.grant(account=clerk, role=Role.AUDITOR, actor="console", now=world.now)
    assert [use.who for use in found(world, group="officers")] == ["border officer"]


def test_an_investigation_is_shown_when_its_time_has_come_and_not_before(
    world: World, clerk: Account, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.IDP_INVESTIGATION_SHOWN_DAYS = 180
    looked(world, clerk, reason="investigation", case=CASE)
    looked(world, clerk)
    assert [str(use.why) for use in found(world, group="officers")] == ["a complaint"]
    for days, shown in ((180, False), (181, True)):
        monkeypatch.setattr("idp.clock.now", lambda days=days: world.now + days * 86_400)
        why = [str(use.why) for use in found(world, group="officers")]
        assert ("an investigation with a file number" in why) is shown
    assert CASE not in str(found(world))


def test_pages_follow_one_another_without_a_gap(world: World, clerk: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uses of one second stay on one page, so that none is lost between two."""
    for at in [world.now + second for second in (1, 2, 2, 2, 3, 4)]:
        monkeypatch.setattr("idp.clock.now", lambda at=at: at)
        looked(world, clerk)
    seen, before = [], LAST
    while before is not None:
        page, before = uses.of(traveller=world.traveller, now=world.now, before=before, limit=2, group="officers")
        seen += [use.at - world.now for use in page]
    assert seen == [4, 3, 2, 2, 2, 1]


@pytest.mark.parametrize("query", ["", "?before=x", "?before=-1", "?before=" + "9" * 40, "?of=nothing", "?before=٣"])
def test_the_page_is_there_whatever_is_asked(world: World, clerk: Account, client: Client, query: str) -> None:
    looked(world, clerk)
    assert client.get("/account/uses", headers={"host": "hk.localhost"}).status_code == 302, "not without a login"
    page = own_page(world, query)
    assert page.status_code == 200 and ("Officers" in page.content.decode())


def test_an_officer_reads_the_same_with_a_reason(world: World, clerk: Account) -> None:
    looked(world, clerk)
    looked(world, clerk, reason="investigation", case=CASE)
    path = f"/admin/travellers/{world.traveller.pk}/uses/"
    assert subject_of(browser(clerk).get(path)) == f"traveller:{world.traveller.pk}"
    page = look(browser(clerk), path, reason="traveller_request").content.decode()
    assert "a complaint" in page and "investigation" not in page.replace("Why do you look", "")
    assert AuditEvent.objects.filter(kind=reading.KIND, data__what="uses").count() == 1
    assert "uses of the data" in [str(kind) for use in found(world, group="officers") for kind in use.kinds]
    operator = Account.objects.create_user("op", kind="officer", is_staff=True)
    granting.grant(account=operator, role=Role.OPERATOR, actor="console", now=world.now)
    assert browser(operator).get(path).status_code == 403
