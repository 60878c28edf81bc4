"""Clients that authenticate by attestation: what holds, and every part that must not be taken (row 65)."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.oidc import attestation, client_metadata, registered_metadata
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client, Grant, PushedRequest, UsedOnce
from idp.protocol import keys, strict_json
from tests.oidc.attested import DAY, AttestedPhone
from tests.oidc.test_races import race
from tests.oidc.world import NODE, World, error_of
from tests.simulators.federation import REMOVE

WORKERS = 16
OTHER = keys.generate()
BAD = (401, "invalid_client_attestation")
METHODS = [client_metadata.ATTESTED, client_metadata.ATTESTED_DPOP]


@pytest.fixture
def phone(world: World) -> AttestedPhone:
    return AttestedPhone(world)


@pytest.fixture
def combined(world: World) -> AttestedPhone:
    return AttestedPhone(world, method=client_metadata.ATTESTED_DPOP)


@pytest.mark.parametrize("method", METHODS)
def test_whole_flow_without_an_assertion(world: World, method: str) -> None:
    """A phone that has to ask its messenger for every token does not work at a crowded border."""
    phone = AttestedPhone(world, method=method)
    answer = phone.redeem(phone.code())
    assert answer.status_code == 200, answer.content
    refreshed = phone.refresh(answer.json()["refresh_token"])
    assert refreshed.status_code == 200 and refreshed.json()["token_type"] == "DPoP"
    assert Grant.objects.get().instance == phone.key.public.thumbprint
    client = Client.objects.get(client_id=phone.messenger.client_id)
    assert (client.profile, client.metadata["token_endpoint_auth_method"]) == ("border", method)


def test_client_id_may_be_left_out(phone: AttestedPhone) -> None:
    """§7.1 step 7: it is compared where it is there."""
    assert phone.push(form={"client_id": REMOVE}).status_code == 201


def test_client_id_of_another_client_is_refused(phone: AttestedPhone) -> None:
    """invalid solely because client_id is not sub."""
    assert error_of(phone.push(form={"client_id": "https://b.example"})) == (401, "invalid_client")


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"sub": REMOVE},
        {"cnf": REMOVE},
        {"cnf": {"jwk": OTHER.jwk()}},
        {"cnf": {"jwk": OTHER.public.jwk()}},
        {"signer": OTHER},
        {"headers": {"typ": "oauth-client-attestation-pop+jwt"}},
        {"headers": {"typ": "JWT"}},
    ],
    ids=["expired", "no sub", "no cnf", "private key", "another phone", "bad signature", "typ of a PoP", "no typ"],
)
def test_attestation_that_does_not_hold_is_refused(phone: AttestedPhone, changes: dict[str, Any]) -> None:
    """invalid solely because of one part of the attestation; the proof is this phone's."""
    assert error_of(phone.push(attestation=phone.attestation(**changes))) == BAD
    assert not PushedRequest.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://idp.mo.example"},
        {"aud": [NODE]},
        {"aud": f"{NODE}/oidc/par"},
        {"jti": REMOVE},
        {"iat": REMOVE},
        {"iat": 1},
        {"signer": OTHER},
        {"headers": {"typ": "oauth-client-attestation+jwt"}},
    ],
)
def test_proof_that_does_not_hold_is_refused(phone: AttestedPhone, changes: dict[str, Any]) -> None:
    """invalid solely because of one part of the proof."""
    assert error_of(phone.push(pop=phone.pop(**changes))) == BAD
    assert not UsedOnce.objects.filter(kind="attestation").exists()


def test_documents_in_each_others_place_are_refused(phone: AttestedPhone) -> None:
    """invalid solely because the proof stands for the attestation, and the reverse."""
    assert error_of(phone.push(pop=phone.attestation())) == BAD
    assert error_of(phone.push(attestation=phone.pop())) == BAD


@pytest.mark.parametrize("name", ["attestation", "pop"])
def test_two_headers_of_one_name_are_refused(phone: AttestedPhone, name: str) -> None:
    """invalid solely because a header stands twice: servers join the two with a comma."""
    for separator in (",", ", "):
        text = phone.headers()[attestation.HEADER if name == "attestation" else attestation.POP_HEADER]
        assert error_of(phone.push(**{name: f"{text}{separator}{text}"})) == BAD


@pytest.mark.parametrize("changes", [{"attestation": REMOVE}, {"attestation": ""}, {"pop": ""}])
def test_one_of_the_two_alone_is_refused(phone: AttestedPhone, changes: dict[str, Any]) -> None:
    """invalid solely because one header is missing or empty."""
    assert error_of(phone.push(**changes)) == BAD


def test_attestation_without_any_proof_is_refused(phone: AttestedPhone, combined: AttestedPhone) -> None:
    """invalid solely because nothing shows that the sender holds the key: an attestation is no secret."""
    assert error_of(combined.push(proof=None)) == BAD
    assert error_of(phone.push(pop=REMOVE, proof=None)) == BAD


def test_attestation_beside_another_method_is_refused(phone: AttestedPhone) -> None:
    """invalid solely because there are two methods (RFC 6749 §2.3)."""
    form = phone.messenger.authenticated()
    assert error_of(phone.push(form=form)) == (401, "invalid_client")


def test_client_that_registered_another_method_is_refused(world: World) -> None:
    """invalid solely because the client registered private_key_jwt, or the other of the two modes."""
    phone = AttestedPhone(world, method=client_metadata.PRIVATE_KEY_JWT)
    assert error_of(phone.push()) == (401, "invalid_client")


def test_mode_that_the_client_did_not_register_is_refused(combined: AttestedPhone) -> None:
    """invalid solely because the client registered the combined mode and the phone sends a PoP."""
    assert error_of(combined.push(pop=combined.pop())) == (401, "invalid_client")


def test_assertion_of_a_client_that_registered_attestations_is_refused(phone: AttestedPhone) -> None:
    """invalid solely because the messenger promised that its phones prove themselves."""
    assert error_of(phone.world.push()) == (401, "invalid_client")


def test_method_is_for_the_border_profile_only() -> None:
    """A relying party of another profile has no phones."""
    allowed = {profile for profile, methods in client_metadata.AUTHENTICATION.items() if set(METHODS) & set(methods)}
    assert allowed == {"border"} and client_metadata.AUTHENTICATION["border"][0] == "private_key_jwt"


@pytest.mark.parametrize("changes", [{"iat": -DAY - 11}, {"iat": None, "exp": 2 * DAY}])
def test_old_attestation_is_to_be_renewed(phone: AttestedPhone, changes: dict[str, Any]) -> None:
    """invalid solely because it is older than a day, or does not say how old and lasts for longer."""
    moved = {name: REMOVE if value is None else phone.world.now + value for name, value in changes.items()}
    assert error_of(phone.push(attestation=phone.attestation(**moved))) == (400, "use_fresh_attestation")


@pytest.mark.parametrize("method", METHODS)
def test_proof_used_twice_is_refused(world: World, method: str) -> None:
    """invalid solely because the jti was spent."""
    phone = AttestedPhone(world, method=method)
    kept = {"pop": phone.pop()} if method == client_metadata.ATTESTED else {"proof": phone.proof("/oidc/par")}
    assert phone.push(**kept).status_code == 201
    assert error_of(phone.push(**kept)) == BAD


def test_proof_used_twice_at_the_token_endpoint_is_refused(phone: AttestedPhone) -> None:
    """invalid solely because the proof was spent at PAR."""
    pop = phone.pop()
    code = phone.code()
    assert phone.push(pop=pop).status_code == 201
    assert error_of(phone.redeem(code, pop=pop)) == BAD


@pytest.mark.parametrize("challenge", [REMOVE, "guessed", "", "A" * 64])
def test_proof_without_a_challenge_of_ours_is_told_one(phone: AttestedPhone, challenge: Any) -> None:
    """invalid solely because of the challenge; the one that comes along is good."""
    response = phone.push(pop=phone.pop(challenge=challenge))
    if challenge == "":
        assert error_of(response) == BAD
        return
    assert error_of(response) == (400, "use_attestation_challenge")
    assert phone.push(pop=phone.pop(challenge=response[attestation.CHALLENGE_HEADER])).status_code == 201


@pytest.mark.parametrize("nonce", [None, "guessed"])
def test_combined_proof_without_a_challenge_of_ours_is_told_one(combined: AttestedPhone, nonce: str | None) -> None:
    """invalid solely because of the DPoP proof's nonce."""
    response = combined.push(proof=combined.proof("/oidc/par", nonce=nonce))
    assert error_of(response) == (400, "use_attestation_challenge")
    proof = combined.proof("/oidc/par", nonce=response[attestation.CHALLENGE_HEADER])
    assert combined.push(proof=proof).status_code == 201


def test_combined_proof_by_another_key_is_refused(combined: AttestedPhone) -> None:
    """invalid solely because the DPoP key is not the attested one."""
    assert error_of(combined.push(proof=combined.proof("/oidc/par", key=OTHER))) == BAD


@pytest.mark.parametrize("options", [{"url": f"{NODE}/oidc/token"}, {"method": "GET"}, {"now": 1}])
def test_combined_proof_of_another_request_is_refused(combined: AttestedPhone, options: dict[str, Any]) -> None:
    """invalid solely because the DPoP proof is not of this request."""
    assert error_of(combined.push(proof=combined.proof("/oidc/par", **options))) == BAD


def test_dpop_beside_a_pop_may_be_by_another_key(phone: AttestedPhone) -> None:
    """§7: with a PoP the DPoP proof is judged by itself."""
    assert phone.push(proof=phone.proof("/oidc/par", key=OTHER)).status_code == 201


def test_code_and_refresh_token_are_the_instances(phone: AttestedPhone) -> None:
    """invalid solely because another phone of the same messenger brings them, with the first one's DPoP key (§9.3)."""
    first, code = phone.key, phone.code()
    thief = {
        "attestation": phone.attestation(cnf={"jwk": OTHER.public.jwk()}),
        "proof": phone.proof("/oidc/token", key=first),
    }
    assert error_of(phone.redeem(code, **thief, pop=phone.pop(signer=OTHER))) == (400, "invalid_grant")
    token = phone.redeem(code).json()["refresh_token"]
    thief["proof"] = phone.proof("/oidc/token", key=first)
    assert error_of(phone.refresh(token, **thief, pop=phone.pop(signer=OTHER))) == (400, "invalid_grant")
    assert phone.refresh(token).status_code == 200


def test_what_an_instance_began_needs_its_attestation(phone: AttestedPhone) -> None:
    """invalid solely because the messenger now asserts, and no phone says that it is the one."""
    code = phone.code()
    client = Client.objects.get(client_id=phone.messenger.client_id)
    phone.messenger.entity.metadata = {"openid_relying_party": phone.messenger.metadata()}
    client.metadata["token_endpoint_auth_method"] = "private_key_jwt"
    client.registration = "admin"
    client.save()
    assert error_of(phone.world.redeem(code)) == (400, "invalid_grant")


def test_unknown_client_is_refused(phone: AttestedPhone) -> None:
    """invalid solely because nobody knows sub; no key of the sender's is asked for anything."""
    stranger = phone.attestation(sub="not an entity")
    assert error_of(phone.push(attestation=stranger, form={"client_id": REMOVE})) == (401, "invalid_client")


def test_challenge_endpoint(world: World) -> None:
    """§6.1: POST, uncacheable, a new one each time; advertised."""
    answers = [world.machine.post("/oidc/attestation-challenge") for _ in range(2)]
    assert [(answer.status_code, answer["Cache-Control"]) for answer in answers] == [(200, "no-store")] * 2
    values = [answer.json()["attestation_challenge"] for answer in answers]
    assert values[0] != values[1] and all(attestation.is_challenge(value, now=world.now) for value in values)
    refused = world.machine.get("/oidc/attestation-challenge")
    assert refused.status_code == 405 and refused["Allow"] == "POST"
    said = world.machine.get("/.well-known/oauth-authorization-server").json()
    assert said["challenge_endpoint"] == f"{NODE}/oidc/attestation-challenge"
    assert set(METHODS) <= set(said["token_endpoint_auth_methods_supported"])
    for name in ("client_attestation", "client_attestation_pop"):
        assert said[f"{name}_signing_alg_values_supported"] == ["ES256", "EdDSA", "PS256"]


def test_challenge_is_good_for_minutes(now: int) -> None:
    """One that never ends could be collected; one from the future is nobody's."""
    text = attestation.challenge(now=now)
    ages = (-11, -10, 0, attestation.CHALLENGE_LIFETIME, attestation.CHALLENGE_LIFETIME + 1)
    assert [attestation.is_challenge(text, now=now + age) for age in ages] == [False, True, True, True, False]


def test_challenge_of_another_node_is_none_of_ours(now: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """invalid solely because of the key under its code."""
    text = attestation.challenge(now=now)
    monkeypatch.setattr("idp.conf.secret", lambda _: bytes(32))
    assert not attestation.is_challenge(text, now=now)


@given(st.binary(max_size=64) | st.builds(bytes, st.integers(0, 64)))
def test_made_up_challenge_is_none(raw: bytes) -> None:
    """A short text, one of zeros, or anything else that an attacker writes."""
    assert not attestation.is_challenge(strict_json.b64encode(raw), now=1_800_000_000)


@given(st.text(max_size=80))
def test_any_text_is_no_challenge(text: str) -> None:
    """A parser that raises ends as a server error."""
    assert not attestation.is_challenge(text, now=1_800_000_000)


@pytest.mark.usefixtures("shared_database")
@pytest.mark.parametrize("method", METHODS)
def test_proof_is_accepted_by_one_of_sixteen_workers(world: World, method: str) -> None:
    """One proof at sixteen workers in the same moment: a memory that looks before it writes lets two pass."""
    phone = AttestedPhone(world, method=method)
    assert phone.push().status_code == 201  # the client is registered
    proof = phone.proof("/oidc/par")
    kept = {"pop": phone.pop(), "proof": None} if method == client_metadata.ATTESTED else {"proof": proof}

    def job() -> Callable[[], int]:
        form = {"request": phone.messenger.signed()}
        return lambda: phone.push(form=form, **kept).status_code

    assert race(*[job() for _ in range(WORKERS)]) == [201, *[401] * (WORKERS - 1)]
    assert PushedRequest.objects.count() == 2


@pytest.mark.parametrize("method", METHODS)
def test_officer_registers_no_attester_without_keys(method: str) -> None:
    """invalid solely because nothing is there to verify an attestation with."""
    said = {"redirect_uris": ["https://a.example/back"], "token_endpoint_auth_method": method}
    with pytest.raises(OAuthError, match="no keys"):
        registered_metadata.accept(said, profile="border", by_officer=True)
    jwks = keys.KeySet([OTHER.public]).jwks()
    known = registered_metadata.accept({**said, "jwks": jwks}, profile="border", by_officer=True)
    assert known["token_endpoint_auth_method"] == method
