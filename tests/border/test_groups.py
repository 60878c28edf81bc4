"""Tokens for a group: a guardian with children who have no phone. All of them or none, each its own."""

import base64
import datetime
from typing import Any

import pytest
from django.http import HttpResponse

from idp.accounts import guardians
from idp.accounts.models import Guardianship, TravelDocument
from idp.audit.models import AuditEvent
from idp.biometrics.models import FaceReference
from idp.border import issuance, limits, orphans, storing, token_requests
from idp.border.models import ConsentUse, IssuedToken
from idp.federation import signing
from idp.federation.models import StatusEntry
from idp.protocol import border_token
from tests.border.families import ask, child, granted
from tests.border.world import NODE, World, problem_of


@pytest.fixture
def family(world: World) -> tuple[World, TravelDocument, TravelDocument]:
    return world, child(world), child(world, "A7654322", name_native="", name_latin="CHAN, SIU YAN", face=b"\x03" * 128)


def opened(world: World, answer: HttpResponse) -> list[border_token.Sealed]:
    """What is sealed in each token of the answer, in its order."""
    assert answer.status_code == 201, answer.content
    found = []
    for item in answer.json()["tokens"]:
        token = border_token.verify(base64.b64decode(item["token"]), keys=signing.published("border"), now=world.now)
        assert token.holder.jkt == world.holder.public.thumbprint  # all are bound to the guardian's phone
        found.append(border_token.open_sealed(token, keys=world.gate.sealing))
    return found


def nothing_was_issued() -> bool:
    kept = (IssuedToken, StatusEntry, ConsentUse)
    return (
        not any(model.objects.exists() for model in kept)
        and not AuditEvent.objects.filter(kind="border_token.issued").exists()
    )


def test_each_of_a_group_gets_a_token_of_its_own(family: Any) -> None:
    world, first, second = family
    answer = ask(world, granted(world, first, second), second, world.document, first)
    sealed = opened(world, answer)
    assert [item.document_number for item in sealed] == ["A7654322", "A1234563", "A7654321"]
    assert [item.template[0] for item in sealed] == [3, 0, 2]
    own = issuance.pairwise_subject(world.traveller.pk, NODE)
    assert [item.guardian for item in sealed] == [own, None, own] and sealed[1].sub == own
    assert len({item.sub for item in sealed}) == 3
    assert [item["name"] for item in answer.json()["tokens"]] == ["CHAN, SIU YAN", "陳大文", "陳小文"]
    rows = {row.document_id: row for row in IssuedToken.objects.all()}
    assert rows[first.pk].traveller_id == first.traveller_id and rows[first.pk].guardian_id == world.traveller.pk
    assert rows[world.document.pk].guardian is None
    assert len({row.status_idx for row in rows.values()}) == 3
    events = AuditEvent.objects.filter(kind="border_token.issued", actor=f"traveller:{world.traveller.pk}")
    assert [event.data["group"] for event in events] == [3, 3, 3]


def test_a_child_alone_is_asked_for_as_anybody(family: Any) -> None:
    """A token that was lost is fetched again without the others."""
    world, first, _ = family
    assert world.ask(grant=granted(world, first), document=str(first.pk)).status_code == 201


@pytest.mark.parametrize(
    ("spoil", "refused"),
    [
        (lambda card: Guardianship.objects.filter(ward=card.traveller).update(ended_at=9**10, ended_by="x"), "ended"),
        (lambda card: TravelDocument.objects.filter(pk=card.pk).update(birth_date="2009-01-15"), "ended"),
        (lambda card: TravelDocument.objects.filter(pk=card.pk).update(status="revoked", revoked_at=9), "ineligible"),
        (lambda card: Guardianship.objects.filter(ward=card.traveller).delete(), "ineligible"),
        (lambda card: FaceReference.objects.filter(document=card).delete(), "faceless"),
        (lambda card: FaceReference.objects.filter(document=card).update(model="licensed-v3"), "unsupported"),
    ],
)
def test_whoever_cannot_go_keeps_the_others_back_and_is_named(family: Any, spoil: Any, refused: str) -> None:
    """invalid solely because of the second child: guardianship, age, document, face or its model."""
    world, first, second = family
    grant = granted(world, first, second)
    spoil(second)
    answer = ask(world, grant, world.document, first, second)
    expected = {
        "ended": (403, "guardianship_ended"),
        "ineligible": (403, "document_not_eligible"),
        "faceless": (403, "face_not_enrolled"),
        "unsupported": (409, "face_model_unsupported"),
    }
    assert problem_of(answer) == expected[refused] and answer.json()["document"] == str(second.pk)
    assert nothing_was_issued()


def test_a_limit_of_one_undoes_what_was_stored_for_the_others(family: Any) -> None:
    """invalid solely because one child's consent is used up; the others' counts must stay as they were."""
    world, first, second = family
    grant = granted(world, first, second, max_tokens=2)
    for _ in range(2):
        assert world.ask(grant=grant, document=str(second.pk)).status_code == 201
    answer = ask(world, grant, world.document, first, second)
    assert problem_of(answer) == (403, "consent_exhausted") and answer.json()["document"] == str(second.pk)
    assert [row.used for row in ConsentUse.objects.all()] == [2]
    assert IssuedToken.objects.count() == StatusEntry.objects.count() == 2


def test_a_child_who_is_not_in_the_consent_stays_behind(family: Any) -> None:
    """invalid solely because the consent page named one child and the phone asks for two."""
    world, first, second = family
    answer = ask(world, granted(world, first), first, second)
    assert problem_of(answer) == (403, "consent_exhausted") and nothing_was_issued()


def test_a_strangers_child_is_a_document_like_any_other_strangers(world: World) -> None:
    """invalid solely because another account answers for the child: nobody learns that it is one."""
    card = child(world)
    stranger, _ = world.person("siu", "B7654321")
    Guardianship.objects.update(guardian=stranger)
    assert problem_of(ask(world, granted(world, card), card)) == (403, "document_not_eligible")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"documents": []}, (400, "invalid_request")),
        ({"documents": "x"}, (400, "invalid_request")),
        ({"documents": [7]}, (400, "invalid_request")),
        ({"documents": ["x", "x"]}, (400, "invalid_request")),
        ({"documents": [str(place) for place in range(11)]}, (400, "group_too_large")),
        ({"face_references": []}, (400, "invalid_request")),
        ({"face_references": {"somebody else": []}}, (400, "invalid_request")),
    ],
)
def test_what_is_no_group_is_refused(world: World, changes: dict[str, Any], expected: tuple[int, str]) -> None:
    """invalid solely because of the one member: nobody, no list, no text, one twice, too many, a stranger's face."""
    answer = ask(world, granted(world), world.document, **changes)
    assert problem_of(answer)[1] in (expected[1], "malformed") and answer.status_code == expected[0]


def test_document_and_documents_together_are_refused(world: World) -> None:
    """invalid solely because it cannot be told which of the two was meant."""
    token = world.access_token()
    body = world.body(token, documents=[str(world.document.pk)])
    answer = world.post("/border/v1/tokens", body, headers=world.authorized("/border/v1/tokens", token))
    assert answer.status_code == 400


def test_ten_go_together(world: World) -> None:
    cards = [child(world, f"A76543{place:02}") for place in range(9)]
    answer = ask(world, granted(world, *cards), world.document, *cards)
    assert len(opened(world, answer)) == token_requests.MAX_GROUP == 10


def test_a_childs_tokens_die_with_the_guardianship_and_the_guardians_own_do_not(family: Any) -> None:
    world, first, second = family
    assert ask(world, granted(world, first, second), world.document, first, second).status_code == 201
    guardians.end(guardianship=Guardianship.objects.get(ward=first.traveller), actor="account:7", now=world.now)
    assert orphans.follow(now=world.now + 1) == 1
    assert IssuedToken.objects.get(revoked_at__isnull=False).document == first


def test_the_guardian_takes_a_childs_token_back_and_sees_it_among_their_own(family: Any) -> None:
    world, first, _ = family
    grant = granted(world, first)
    jti = ask(world, grant, first).json()["tokens"][0]["jti"]
    token, path = world.access_token(grant), f"/border/v1/tokens/{jti}/revoke"
    assert world.post(path, "", headers=world.authorized(path, token)).status_code == 204
    assert IssuedToken.objects.get().revoked_at is not None


def test_a_token_ends_with_what_it_stands_on(world: World) -> None:
    """A document's last day, an endorsement's and the last of childhood are days in Hong Kong; today is the 15th."""
    midnight = int(datetime.datetime(2027, 1, 15, 16, tzinfo=datetime.UTC).timestamp())
    growing = child(world, birth_date=datetime.date(2009, 1, 16))
    TravelDocument.objects.filter(pk=world.document.pk).update(expires_on=datetime.date(2027, 1, 15))
    grant = granted(world, growing, ahead=True, valid_until=world.now + 3 * 86_400)
    for card in (world.document, growing):
        assert ask(world, grant, card).json()["tokens"][0]["expires_at"] == midnight
    macau = world.register("ferry", neighbour="MAC")
    world.enrol(macau, "1", "exit")
    permit = world.give(world.traveller, "C12345678", type="eep", issued_by="CHN")
    world.endorse(permit, destination="MAC", valid_to=datetime.date(2027, 1, 15))
    detail = world.detail(locations=[macau.entity_id], document=str(permit.pk), ahead=True)
    answer = world.ask(grant=world.grant(detail), checkpoint=macau.entity_id, document=str(permit.pk))
    assert answer.json()["expires_at"] == midnight


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (
            lambda world: world.traveller.devices.update(revoked_at=datetime.datetime.now(datetime.UTC)),
            "device_revoked",
        ),
        (lambda world: TravelDocument.objects.update(status="revoked", revoked_at=1), "document_not_eligible"),
        (lambda world: Guardianship.objects.update(ended_at=9**10, ended_by="x"), "document_not_eligible"),
        (
            lambda world: type(world.traveller.account).objects.update(is_active=False, closed_at=1),
            "document_not_eligible",
        ),
    ],
)
def test_what_ends_between_the_look_and_the_storing_issues_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, end: Any, code: str
) -> None:
    """invalid solely because phone, document, guardianship or account ends while the request is under way."""
    card = child(world)
    real = storing.store

    def store(**what: Any) -> Any:
        end(world)
        return real(**what)

    monkeypatch.setattr(storing, "store", store)
    assert problem_of(ask(world, granted(world, card), card)) == (403, code)
    assert not IssuedToken.objects.exists()


def test_a_second_consent_for_the_same_is_used_when_the_first_is_used_up(world: World) -> None:
    """Each has a limit of its own, though both cover the crossing."""
    grant = world.grant(world.detail(max_tokens=1), world.detail(max_tokens=1, directions=["exit", "entry"]))
    assert [world.ask(grant=grant).status_code for _ in range(3)] == [201, 201, 403]


def test_counts_of_consents_that_have_ended_are_forgotten(world: World) -> None:
    assert world.ask().status_code == 201
    until = ConsentUse.objects.get().expires_at
    assert limits.forget(now=until) == 0
    assert limits.forget(now=until + 1) == 1
