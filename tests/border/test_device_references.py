"""Templates that the traveller's device keeps: fetched, handed in, and good for nothing in any other hand."""

import json
from typing import Any

import pytest
from django.test import Client as Machine

from idp.audit.models import AuditEvent
from idp.biometrics import handover, references, vault
from idp.biometrics.engine import EMBEDDED_MODEL, Template
from idp.biometrics.models import FaceReference
from idp.border.metadata import border_token_issuer
from idp.protocol import face_references
from tests.border.test_issuance import opened
from tests.border.world import World, problem_of
from tests.conftest import NOW

PATH = "/border/v1/face-references"
OTHER_MODEL = "pack-r50"


@pytest.fixture
def device(world: World, settings: Any) -> World:
    """The node hands its templates to devices; the traveller has just enrolled."""
    settings.IDP_FACE_STORAGE = "device"
    enrol(world)
    return world


def enrol(world: World, document: Any = None, *, model: str = EMBEDDED_MODEL, face: bytes = bytes(range(128))) -> Any:
    document = document or world.document
    return references.keep(
        traveller=document.traveller, document=document, template=Template(model, "q8", face), now=world.now
    )


def fetch(world: World, access_token: str | None = None, **changes: Any) -> Any:
    access_token = access_token or world.access_token()
    body = {"document": str(world.document.pk), **changes}
    return world.post(PATH, body, headers=world.authorized(PATH, access_token))


def fetched(world: World) -> list[dict[str, str]]:
    answer = fetch(world)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, str]] = answer.json()["face_references"]
    return found


def test_what_was_fetched_and_handed_in_goes_into_the_token(device: World) -> None:
    kept = fetched(device)
    assert [item["model"] for item in kept] == [EMBEDDED_MODEL]
    answer = device.ask(face_references=kept)
    assert answer.status_code == 201, answer.content
    assert opened(device, answer)[1].template == bytes(range(128))
    assert "face_references_waiting" not in answer.json()


def test_the_node_lets_go_of_its_copy_when_the_wallet_has_used_its_own(device: World) -> None:
    kept = fetched(device)
    for _ in range(2):  # an answer that was lost can be asked for again, and is the same
        assert fetched(device) == kept
    device.ask(face_references=kept)
    row = FaceReference.objects.get()
    assert (row.keeper, bytes(row.sealed), row.kept_until) == ("device", b"", None) and len(row.digest) == 43
    assert fetched(device) == []
    assert device.ask(face_references=kept).status_code == 201, "and the wallet's copy is good as before"
    kinds = AuditEvent.objects.filter(kind__startswith="face_reference.").values_list("kind", flat=True)
    assert list(kinds) == ["face_reference.handed_out"] * 3 + ["face_reference.let_go"]


def test_a_wallet_that_hands_nothing_in_gets_nothing(device: World) -> None:
    """invalid solely because the reference is missing: also while the node still has a copy."""
    assert problem_of(device.ask()) == (403, "face_not_enrolled")
    handover.sweep(now=device.now + references.WAITING)
    assert problem_of(device.ask(face_references=[])) == (403, "face_not_enrolled")


@pytest.mark.parametrize("place", [0, 1, 9, 49, 61, -1])
def test_an_altered_reference_is_refused(device: World, place: int) -> None:
    """invalid solely because of one byte: of the version, the key's name, the wrapped key, nonce, ciphertext, tag."""
    sealed = bytearray(face_references.parse(fetched(device))[EMBEDDED_MODEL])
    sealed[place] ^= 1
    handed_in = face_references.wire({EMBEDDED_MODEL: bytes(sealed)})
    assert problem_of(device.ask(face_references=handed_in)) == (403, "face_not_enrolled")


def test_another_travellers_reference_is_refused(device: World) -> None:
    """invalid solely because it is of another document; nor does it help that the thief sealed nothing anew."""
    _, paper = device.person("siu", "B7654321")
    enrol(device, paper, face=bytes(128))
    theirs = bytes(FaceReference.objects.get(document=paper).sealed)
    handed_in = face_references.wire({EMBEDDED_MODEL: theirs})
    assert problem_of(device.ask(face_references=handed_in)) == (403, "face_not_enrolled")
    FaceReference.objects.filter(document=device.document).update(  # nor with the other's digest in one's own row
        keeper="device", sealed=b"", digest=vault.digest(theirs), kept_until=None
    )
    assert problem_of(device.ask(face_references=handed_in)) == (403, "face_not_enrolled")


def test_a_reference_of_another_model_is_refused(device: World) -> None:
    """invalid solely because it is handed in as one of the model that the checkpoint names."""
    enrol(device, model=OTHER_MODEL)
    theirs = face_references.parse(fetched(device))[OTHER_MODEL]
    handed_in = face_references.wire({EMBEDDED_MODEL: theirs})
    assert problem_of(device.ask(face_references=handed_in)) == (403, "face_not_enrolled")


@pytest.mark.parametrize("used", [True, False])
def test_a_revoked_reference_is_refused(device: World, used: bool) -> None:
    """invalid solely because the row is gone; a new enrolment does not bring the old one back."""
    kept = fetched(device)
    if used:
        device.ask(face_references=kept)
    assert references.revoke(document=device.document, actor="account:7") == 1
    assert problem_of(device.ask(face_references=kept)) == (403, "face_not_enrolled")
    enrol(device)
    assert problem_of(device.ask(face_references=kept)) == (403, "face_not_enrolled")
    assert AuditEvent.objects.filter(kind="face_reference.revoked").count() == 1


@pytest.mark.parametrize("value", [None, {}, "x", [{"model": "m"}], [{"model": EMBEDDED_MODEL, "face_reference": "="}]])
def test_what_is_no_list_of_references_is_unreadable(device: World, value: Any) -> None:
    """invalid solely because of its form."""
    assert problem_of(device.ask(face_references=value)) == (400, "invalid_request")


def test_another_wrapping_key_does_not_break_what_devices_keep(device: World, settings: Any) -> None:
    """Both what was fetched before the change and what is fetched after it."""
    from idp.biometrics import rewrapping

    kept = fetched(device)
    settings.IDP_FACE_KEY, settings.IDP_FACE_KEYS_RETIRED = "file:third.key", ["file:biometrics.key"]
    list(rewrapping.run(actor="account:7"))
    assert fetched(device) != kept
    assert device.ask(face_references=kept).status_code == 201
    assert device.ask(face_references=kept).status_code == 201, "and when the node has no copy any more"
    settings.IDP_FACE_KEYS_RETIRED = []
    assert problem_of(device.ask(face_references=kept)) == (403, "face_not_enrolled"), "the retired key is gone"


def test_of_several_references_the_one_in_common_is_used(device: World) -> None:
    enrol(device, model=OTHER_MODEL, face=bytes([7]) * 512)
    kept = fetched(device)
    assert {item["model"] for item in kept} == {EMBEDDED_MODEL, OTHER_MODEL}
    answer = device.ask(face_references=kept)
    token, sealed = opened(device, answer)
    assert (token.face_model, sealed.template) == (EMBEDDED_MODEL, bytes(range(128)))
    assert answer.json()["face_references_waiting"] is True, "the other has not been used yet, for all the node knows"


def test_a_reference_that_was_not_fetched_in_time_is_gone(device: World) -> None:
    """The node keeps no face for a wallet that never comes; the traveller enrols anew."""
    handover.sweep(now=device.now + references.WAITING - 1)
    kept = fetched(device)
    assert len(kept) == 1
    assert handover.sweep(now=device.now + references.WAITING) == 1
    assert bytes(FaceReference.objects.get().sealed) == b"" and fetched(device) == []
    assert device.ask(face_references=kept).status_code == 201, "who has fetched it has it"


def test_a_sweep_does_not_take_what_was_enrolled_anew_meanwhile(device: World) -> None:
    old = FaceReference.objects.get()
    enrol(device)
    assert not handover.let_go(old, actor="worker")
    assert bytes(FaceReference.objects.get().sealed)


def test_an_installed_base_is_handed_over_in_thirty_days(world: World, settings: Any) -> None:
    """From one day to the next nobody could cross; and back again nothing is thrown away."""
    settings.IDP_FACE_STORAGE = "device"
    assert world.ask().status_code == 201, "until the first sweep the node's own serves"
    handover.sweep(now=world.now)
    assert problem_of(world.ask()) == (403, "face_not_enrolled")
    kept = fetched(world)
    assert handover.sweep(now=world.now + handover.ADOPTION - 1) == 0
    settings.IDP_FACE_STORAGE = "node"
    handover.sweep(now=world.now + handover.ADOPTION)
    assert world.ask(face_references=kept).status_code == 201 and world.ask().status_code == 201
    changes = [event.data["keeper"] for event in AuditEvent.objects.filter(kind="face_reference.keeper_changed")]
    assert changes == ["device", "node"]


def test_a_reference_is_fetched_for_a_document_of_the_consent_only(device: World) -> None:
    """invalid solely because the document is not the one that was consented to, or another's, or revoked."""
    _, paper = device.person("siu", "B7654321")
    for document in (str(paper.pk), "", "x", None, 7):
        assert fetch(device, document=document).status_code in (400, 403)
    ended = device.grant(device.detail(valid_from=NOW - 20, valid_until=NOW - 10))
    assert problem_of(fetch(device, device.access_token(ended))) == (403, "document_not_eligible")
    foreign = device.grant(device.detail(document=str(paper.pk)))
    answer = fetch(device, device.access_token(foreign), document=str(paper.pk))
    assert problem_of(answer) == (403, "document_not_eligible")
    device.document.status = "revoked"
    device.document.save()
    assert problem_of(fetch(device)) == (403, "document_not_eligible")


def test_a_reference_is_fetched_with_a_bound_token_of_the_second_level_only(device: World) -> None:
    """invalid solely because of how the caller is known."""
    body = json.dumps({"document": str(device.document.pk)})
    anybody = Machine(headers={"host": "hk.localhost"}).post(PATH, body, content_type="application/json")
    assert problem_of(anybody) == (401, "invalid_token")
    weak = device.access_token(device.grant(acr="urn:causeway:acr:pwd"))
    assert problem_of(fetch(device, weak)) == (401, "insufficient_user_authentication")


def test_wallets_are_told_where_to_fetch_only_where_there_is_something(device: World, settings: Any) -> None:
    assert border_token_issuer()["face_reference_endpoint"].endswith(PATH)
    settings.IDP_FACE_STORAGE = "node"
    assert "face_reference_endpoint" not in border_token_issuer()
    assert fetched(device) != [], "what waits is handed out while it waits"
