"""Border tokens as the issuer makes them, and whom it refuses."""

import base64
import datetime
from typing import Any

import pytest

from idp.accounts.models import Endorsement, TravelDocument
from idp.audit.models import AuditEvent
from idp.biometrics import references
from idp.biometrics.engine import EMBEDDED_MODEL, Template
from idp.biometrics.models import FaceReference
from idp.border import checkpoints, eligibility, issuance
from idp.border.models import IssuedToken
from idp.federation import signing
from idp.oidc.models import Grant
from idp.protocol import border_token, keys
from idp.protocol.refusals import Unavailable
from tests.border.world import NODE, OFFICER, World, lane_body, problem_of


def opened(world: World, answer: Any) -> tuple[border_token.BorderToken, border_token.Sealed]:
    """The token verified with this node's border keys and opened with the gate's sealing key."""
    body = answer.json()
    token = body["token"] if body["format"] == "jwt" else base64.b64decode(body["token"])
    verified = border_token.verify(token, keys=signing.published("border"), now=world.now)
    return verified, border_token.open_sealed(verified, keys=world.gate.sealing)


@pytest.mark.parametrize("form", ["jwt", "cwt"])
def test_a_token_verifies_and_opens_at_its_checkpoint_only(world: World, form: str) -> None:
    answer = world.ask(format=form)
    assert answer.status_code == 201, answer.content
    token, sealed = opened(world, answer)
    assert (token.iss, token.aud, token.direction) == (NODE, world.checkpoint.entity_id, "exit")
    assert (token.origin, token.destination, token.document_type) == ("HKG", "CHN", "hkid")
    assert token.holder.jkt == world.holder.public.thumbprint
    assert (token.nbf, token.exp) == (world.now, world.now + 1800) and answer.json()["expires_at"] == token.exp
    assert (sealed.document_number, sealed.name_native, sealed.template) == ("A1234563", "陳大文", bytes(128))
    row = IssuedToken.objects.get()
    assert (row.jti, row.device_jkt) == (answer.json()["jti"], world.phone.public.thumbprint)
    assert (token.status_uri, token.status_idx) == (row.status_uri, row.status_idx)
    assert answer["Cache-Control"] == "no-store"
    with pytest.raises(Exception, match="face_unsealable"):
        border_token.open_sealed(token, keys=[keys.generate()])


def test_nothing_personal_is_in_the_row_or_the_audit(world: World) -> None:
    world.ask()
    kept = str(AuditEvent.objects.get(kind="border_token.issued").data) + str(IssuedToken.objects.values().get())
    assert "A1234563" not in kept and "CHAN" not in kept


def test_the_times_are_coarse_and_a_day_ahead_still_fits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second of issue links two tokens; a life counted from the second and a start from the minute is too long."""
    at = world.now + 47
    access_token = world.access_token(world.grant(world.detail(ahead=True, valid_until=world.now + 3 * 86_400)))
    monkeypatch.setattr("idp.clock.now", lambda: at)
    token, _ = opened(world, world.ask(access_token, at=at))
    assert (token.iat, token.nbf, token.exp) == (world.now, world.now, world.now + 86_400)


def test_a_token_ends_with_the_consent(world: World) -> None:
    token, _ = opened(world, world.ask(grant=world.grant(world.detail(valid_until=world.now + 600))))
    assert token.exp == world.now + 600


@pytest.mark.parametrize(
    "changes",
    [
        {"direction": "entry"},
        {"checkpoint": f"{NODE}/checkpoints/other"},
        {"document": "00000000-0000-0000-0000-000000000000"},
        {"document": "no uuid\x00"},
    ],
)
def test_what_was_not_consented_to_is_refused(world: World, changes: dict[str, str]) -> None:
    """invalid solely because checkpoint, direction or document is not the consent's."""
    assert problem_of(world.ask(**changes)) == (403, "consent_exhausted")
    assert not IssuedToken.objects.exists()


@pytest.mark.parametrize(("first", "last"), [(-86_400, 0), (1, 86_400), (-86_400, 30)])
def test_outside_the_time_of_the_consent_is_refused(world: World, first: int, last: int) -> None:
    """invalid solely because the consent is over, not begun, or ends within the minute."""
    grant = world.grant(world.detail(valid_from=world.now + first, valid_until=world.now + last))
    assert problem_of(world.ask(grant=grant)) == (403, "consent_exhausted")


def test_max_tokens_is_the_limit_of_each_consent_of_a_grant(world: World) -> None:
    """invalid solely because the first consent's one token is issued; the second has its own count."""
    grant = world.grant(world.detail(max_tokens=1), world.detail(directions=["entry"], max_tokens=1))
    assert world.ask(grant=grant).status_code == 201
    assert problem_of(world.ask(grant=grant)) == (403, "consent_exhausted")
    assert world.ask(grant=grant, direction="entry").status_code == 201


def test_a_grant_revoked_meanwhile_issues_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """invalid solely because the grant ends between the check of the access token and the storing."""
    grant = world.grant()
    real = issuance._face

    def face(*args: Any) -> Any:
        Grant.objects.filter(pk=grant.pk).update(revoked_at=world.now)
        return real(*args)

    monkeypatch.setattr(issuance, "_face", face)
    assert problem_of(world.ask(grant=grant)) == (403, "consent_exhausted")


def test_another_travellers_document_is_refused(world: World) -> None:
    """invalid solely because the document (which the grant names by mistake) is linked to another traveller."""
    _, foreign = world.person("siu", "B7654321")
    grant = world.grant(world.detail(document=str(foreign.pk)))
    assert problem_of(world.ask(grant=grant, document=str(foreign.pk))) == (403, "document_not_eligible")


def test_the_rules_keep_a_document_from_a_leg_that_it_is_not_for(world: World) -> None:
    """invalid solely because no rule lets an Exit-Entry Permit without endorsement out of Hong Kong to Macau."""
    macau = world.register("ferry", neighbour="MAC")
    world.enrol(macau, "1", "exit")
    permit = world.give(world.traveller, "C12345678", type="eep", issued_by="CHN")
    grant = world.grant(world.detail(locations=[macau.entity_id], document=str(permit.pk)))
    asked = {"checkpoint": macau.entity_id, "document": str(permit.pk)}
    assert problem_of(world.ask(grant=grant, **asked)) == (403, "document_not_eligible")
    world.endorse(permit, destination="MAC")
    assert world.ask(grant=grant, **asked).status_code == 201


@pytest.mark.parametrize(
    "changes", [{"status": TravelDocument.Status.REVOKED}, {"expires_on": datetime.date(2027, 1, 14)}]
)
def test_a_revoked_or_expired_document_is_refused(world: World, changes: dict[str, Any]) -> None:
    """invalid solely because the document was revoked, or ended yesterday."""
    TravelDocument.objects.filter(pk=world.document.pk).update(**changes)
    assert problem_of(world.ask()) == (403, "document_not_eligible")


def test_the_endorsement_that_is_good_is_the_one_that_is_used(world: World) -> None:
    """The one that ends last is used up, and one is not yet in force: the token must carry the third."""
    permit = world.give(world.traveller, "C12345678", type="eep", issued_by="CHN")
    macau = world.register("ferry", neighbour="MAC")
    gate = world.enrol(macau, "1", "exit")
    world.endorse(permit, destination="MAC", entries_left=0, valid_to=datetime.date(2028, 1, 1))
    world.endorse(permit, destination="MAC", valid_from=datetime.date(2027, 3, 1), valid_to=datetime.date(2027, 6, 1))
    good = world.endorse(permit, destination="MAC", entries_left=1, valid_to=datetime.date(2027, 2, 1))
    grant = world.grant(world.detail(locations=[macau.entity_id], document=str(permit.pk)))
    answer = world.ask(grant=grant, checkpoint=macau.entity_id, document=str(permit.pk))
    assert answer.status_code == 201
    world.gate = gate
    _, sealed = opened(world, answer)
    assert sealed.endorsement is not None and sealed.endorsement["valid_to"] == "2027-02-01"
    assert IssuedToken.objects.get().endorsement == good


def test_without_a_face_reference_there_is_no_token(world: World) -> None:
    """invalid solely because no face is enrolled."""
    FaceReference.objects.all().delete()
    assert problem_of(world.ask()) == (403, "face_not_enrolled")


def test_without_a_common_model_there_is_no_token(world: World) -> None:
    """invalid solely because the reference is of a model that the checkpoint does not compare."""
    FaceReference.objects.update(model="licensed-v3")
    assert problem_of(world.ask()) == (409, "face_model_unsupported")


def test_the_face_is_that_of_the_documents_holder(world: World) -> None:
    """Two people who share an account: the second one's face must not go into a token for the first one's document."""
    other = world.give(world.traveller, "B7654321", face=b"\x01" * 128)
    _, sealed = opened(world, world.ask())
    assert sealed.template == bytes(128)
    assert references.template_for(other, [EMBEDDED_MODEL]) == Template(EMBEDDED_MODEL, "q8", b"\x01" * 128)


def test_an_unknown_checkpoint_is_no_target(world: World) -> None:
    """invalid solely because nobody vouches for the checkpoint."""
    nowhere = f"{NODE}/checkpoints/nowhere"
    grant = world.grant(world.detail(locations=[nowhere]))
    assert problem_of(world.ask(grant=grant, checkpoint=nowhere)) == (400, "invalid_target")


def test_a_checkpoint_without_a_gate_is_no_target(world: World) -> None:
    """invalid solely because there is no key to seal to."""
    empty = world.register("empty")
    grant = world.grant(world.detail(locations=[empty.entity_id]))
    assert problem_of(world.ask(grant=grant, checkpoint=empty.entity_id)) == (400, "invalid_target")


def test_a_checkpoint_that_officers_closed_is_no_target(world: World) -> None:
    """invalid solely because the checkpoint is not active; it is again when it is opened."""
    for active, status in ((False, 400), (True, 201)):
        world.checkpoint.active = active
        checkpoints.configure(checkpoint=world.checkpoint, changed=["active"], officer=OFFICER, now=world.now)
        assert world.ask().status_code == status


def test_the_proof_of_the_holder_key_belongs_to_one_access_token(world: World) -> None:
    """invalid solely because the proof was made for another access token."""
    other = world.body(world.access_token())
    assert problem_of(world.ask(proof=other["proof"])) == (400, "invalid_proof")


def test_the_key_named_is_the_key_proven(world: World) -> None:
    """invalid solely because ``holder_key`` is not the key that made the proof."""
    assert problem_of(world.ask(holder_key=keys.generate().public.jwk())) == (400, "invalid_proof")


def test_one_factor_is_not_enough(world: World) -> None:
    """invalid solely because the traveller logged in with a password only (RFC 9470)."""
    answer = world.ask(grant=world.grant(acr="urn:causeway:acr:pwd"))
    assert problem_of(answer) == (401, "insufficient_user_authentication")
    assert 'acr_values="urn:causeway:acr:mfa"' in answer["WWW-Authenticate"]


def test_what_will_be_signed_is_stored_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signer that dies after it signed must not leave a token that nobody knows of."""

    def broken(use: str, *, real: Any = signing.private_key, **options: Any) -> Any:
        if use == "border":
            raise Unavailable("the key cannot be read")
        return real(use, **options)

    access_token = world.access_token()
    monkeypatch.setattr(signing, "private_key", broken)
    assert problem_of(world.ask(access_token)) == (503, "temporarily_unavailable")
    row = IssuedToken.objects.get()
    assert AuditEvent.objects.get(kind="border_token.issued").subject == row.jti


def test_two_authorities_know_the_traveller_by_two_names(world: World) -> None:
    names = [issuance.pairwise_subject(world.traveller.pk, place) for place in (NODE, "https://cn", NODE)]
    assert names[0] == names[2] != names[1]
    assert str(world.traveller.pk) not in names[0]


def test_the_authoritys_preference_decides_among_the_models_in_common(world: World) -> None:
    """invalid solely in its order: a checkpoint that names an older model first would keep everybody on that."""
    older, bay = "pack-of-2026", world.register("bay")
    code = world.invite(bay, "1", "exit")["code"]
    body = lane_body(keys.generate(), [keys.generate()], (older, EMBEDDED_MODEL))
    lane_keys = checkpoints.parse_lane_keys(body)
    checkpoints.enrol_lane(checkpoint_code="bay", lane_name="1", code=code, lane_keys=lane_keys, now=world.now)
    template = Template(older, "q8", bytes(128))
    references.keep(traveller=world.traveller, document=world.document, template=template, now=world.now)
    grant = world.grant(world.detail(locations=[bay.entity_id]))
    for expected in (EMBEDDED_MODEL, older):  # and where that is missing, the other serves
        assert world.ask(grant=grant, checkpoint=bay.entity_id).status_code == 201
        assert IssuedToken.objects.latest("pk").face_model == expected
        FaceReference.objects.filter(model=EMBEDDED_MODEL).delete()


def test_the_register_tells_the_rules_more_than_a_token_does(world: World) -> None:
    """invalid solely because of the place of issue, or the right of residence, that only the register knows."""
    permit = world.give(world.traveller, "C12345678", type="eep", issued_by="CHN")
    endorsement = world.endorse(permit, destination="HKG", entries_left=None, place="440100")
    facts = ("CHN", "HKG"), "exit"
    with pytest.raises(issuance.UnableToIssue, match="g-shenzhen-any-number"):
        eligibility.eligible(permit, *facts, now=world.now)
    Endorsement.objects.filter(pk=endorsement.pk).update(place="440305")
    assert eligibility.eligible(permit, *facts, now=world.now)[0] == endorsement
    card = world.give(world.traveller, "12345678", type="bir", issued_by="MAC", residence="temporary")
    with pytest.raises(issuance.UnableToIssue, match="bir-to-hk"):
        eligibility.eligible(card, ("MAC", "HKG"), "entry", now=world.now)


def test_an_endorsement_that_no_rule_lets_through_does_not_stand_before_one_that_serves(world: World) -> None:
    """invalid solely because of the place of issue: the first to end would have been asked alone."""
    permit = world.give(world.traveller, "C12345678", type="eep", issued_by="CHN")
    soon, late = datetime.date(2027, 2, 1), datetime.date(2027, 6, 1)
    facts = ("CHN", "HKG"), "exit"
    spoilt = world.endorse(permit, destination="HKG", entries_left=None, place="440100", valid_to=soon)
    with pytest.raises(issuance.UnableToIssue):
        eligibility.eligible(permit, *facts, now=world.now)
    assert eligibility.judge(permit, *facts, now=world.now)[0] == spoilt
    good = world.endorse(permit, destination="HKG", entries_left=None, place="440305", valid_to=late)
    assert eligibility.eligible(permit, *facts, now=world.now)[0] == good


@pytest.mark.parametrize(("residence", "days"), [("permanent", 180), ("temporary", 30), ("", None)])
def test_a_token_says_the_stay_that_its_holders_residence_gives(world: World, residence: str, days: int | None) -> None:
    """The gate does not learn the right of residence, and would give the shorter stay to all or the longer."""
    permit = world.give(world.traveller, "12345678", type="mvp", issued_by="MAC", residence=residence)
    _, verdict = eligibility.eligible(permit, ("MAC", "HKG"), "entry", now=world.now)
    assert eligibility.stay_days(permit, None, verdict) == days
    endorsement = world.endorse(permit, destination="HKG", stay_days=9)
    assert eligibility.stay_days(permit, endorsement, verdict) == 9
