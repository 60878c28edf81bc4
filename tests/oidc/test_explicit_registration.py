"""Explicit registration: what is registered, for how long, and what must not be (row 30)."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.federation import entities, signing, statements
from idp.federation.models import Peer, Subordinate
from idp.oidc import client_metadata
from idp.oidc.models import Client
from idp.protocol import jws, keys, registration_response
from idp.protocol.entity_statements import REGISTRATION_REQUEST
from tests.oidc.relying_party import RelyingParty, client, enter, kept
from tests.oidc.test_authorize import code_on
from tests.oidc.world import NODE, World, error_of
from tests.simulators.federation import LIFETIME, REMOVE, AuthoritySimulator

STATEMENT, CHAIN = "application/entity-statement+jwt", "application/trust-chain+json"
PATH = "/oidc/federation-registration"
SMALL = st.integers(min_value=-5, max_value=2**40)


def request_of(rp: RelyingParty, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    return rp.entity.configuration(header=header, **{"aud": NODE, **claims})


def post(world: World, body: str, *, kind: str = STATEMENT, **options: Any) -> HttpResponse:
    return world.machine.post(PATH, body, content_type=kind, **options)


def registered(
    world: World, rp: RelyingParty, body: str | None = None, **options: Any
) -> registration_response.Registered:
    """The answer as the relying party accepts it."""
    response = post(world, body or request_of(rp), **options)
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == registration_response.MEDIA_TYPE and response["Cache-Control"] == "no-store"
    return registration_response.verify(
        response.content,
        provider=NODE,
        federation_keys=signing.published("federation"),
        client_id=rp.client_id,
        jwks=rp.entity.keys.jwks(),
        trust_anchors=[NODE],
        superiors=rp.entity.hints,
        now=world.now,
    )


def own_path(rp: RelyingParty, now: int) -> list[str]:
    """What stands above the relying party, with the anchor's configuration."""
    return [statements.subordinate_statement(rp.client_id, now), statements.entity_configuration(now)]


@pytest.fixture
def explicit(world: World, rp: RelyingParty) -> RelyingParty:
    """The relying party registers explicitly only, and publishes nothing at its own address."""
    rp.says(client_registration_types=["explicit"])
    world.federation.down.add("rp.example")
    return rp


def test_answer_says_what_was_registered(world: World, explicit: RelyingParty) -> None:
    """A relying party goes by the answer; what is not said there it cannot know (§12.2.3)."""
    answer = registered(world, explicit)
    assert (answer.client_id, answer.trust_anchor, answer.superior) == (explicit.client_id, NODE, NODE)
    assert world.now < answer.expires_at <= world.now + LIFETIME
    assert answer.metadata["token_endpoint_auth_method"] == "private_key_jwt"
    assert answer.metadata["id_token_signed_response_alg"] == "RS256"
    assert answer.metadata["subject_type"] == "pairwise" and answer.metadata["client_name"] == "Relying Party"
    stored = client()
    assert (stored.registration, stored.profile, stored.expires_at) == ("explicit", "federation", answer.expires_at)


def test_response_is_typed_and_cannot_stand_in_a_chain(world: World, explicit: RelyingParty) -> None:
    """invalid solely because typ is that of an entity statement: it would pass for what we state of a subordinate."""
    response = post(world, request_of(explicit))
    parsed = jws.parse_unverified(response.content, registration_response.RESPONSE)
    assert parsed.header["typ"] == "explicit-registration-response+jwt"
    assert parsed.claims["jwks"] == explicit.entity.keys.jwks()  # word for word
    assert parsed.kid == signing.signer("federation").kid


def test_registered_client_logs_somebody_in(world: World, explicit: RelyingParty) -> None:
    """A registration that is good for nothing."""
    registered(world, explicit)
    world.log_in()
    assert world.open(kept(enter(world))).status_code == 200
    assert world.push().status_code == 201


@pytest.mark.parametrize("way", ["body", "header", "both headers"])
def test_chain_may_come_along(world: World, rp: RelyingParty, way: str) -> None:
    """§12.2.1: the relying party may bring its chain, in the body or in the header, and ours beside it."""
    path = own_path(rp, world.now)
    if way == "body":
        answer = registered(world, rp, json.dumps([request_of(rp), *path]), kind=CHAIN)
    else:
        header: dict[str, Any] = {"trust_chain": [rp.entity.configuration(), *path]}
        if way == "both headers":
            header["peer_trust_chain"] = [statements.entity_configuration(world.now)]
        answer = registered(world, rp, request_of(rp, header=header))
    assert answer.superior == NODE


def through(world: World, rp: RelyingParty) -> AuthoritySimulator:
    """The relying party's superior is an authority that this node recognises, and not this node."""
    middle = world.federation.authority("https://mo.example")
    middle.hints = [NODE]
    rp.entity.hints = []
    middle.recognise(rp.entity)
    times = {"proposed_at": world.now, "recognised_at": world.now, "accepted_at": world.now}
    Peer.objects.create(entity_id=middle.entity_id, jwks=middle.keys.jwks(), **times)
    Subordinate.objects.filter(entity_id=rp.client_id).delete()
    return middle


def test_superior_is_asked_about_the_relying_party(world: World, explicit: RelyingParty) -> None:
    """The chain runs through the hints of what was posted, and the answer names the immediate superior."""
    middle = through(world, explicit)
    assert registered(world, explicit).superior == middle.entity_id
    assert client().chain_path == [explicit.client_id, middle.entity_id, NODE]
    middle.end(explicit.entity)
    assert error_of(post(world, request_of(explicit)))[0] in (404, 503)


def test_sent_chain_serves_while_the_superior_does_not_answer(world: World, explicit: RelyingParty) -> None:
    """§12.2.2: the statements in a chain may save the asking; without a chain it is another time."""
    middle = through(world, explicit)
    above = statements.subordinate_statement(middle.entity_id, world.now)
    path = [middle.statement(explicit.entity), above]
    world.federation.down.add("mo.example")
    assert error_of(post(world, request_of(explicit))) == (503, "temporarily_unavailable")
    body = json.dumps([request_of(explicit), *path])
    assert registered(world, explicit, body, kind=CHAIN).superior == middle.entity_id


def test_chain_through_a_suspended_superior_is_refused(world: World, explicit: RelyingParty) -> None:
    """invalid solely because the superior is suspended: what it signed before is still sound, and counts no more."""
    middle = through(world, explicit)
    path = [middle.statement(explicit.entity), statements.subordinate_statement(middle.entity_id, world.now)]
    body = json.dumps([request_of(explicit), *path])
    world.federation.down.add("mo.example")
    Peer.objects.update(suspended_at=world.now)
    assert error_of(post(world, body, kind=CHAIN)) == (400, "invalid_trust_chain")
    assert not Client.objects.exists()


def test_only_three_superiors_are_asked(world: World, explicit: RelyingParty) -> None:
    """A stranger's hints must not send this node searching without bound (§18.1)."""
    explicit.entity.hints = [f"https://h{number}.example" for number in range(9)]
    assert post(world, request_of(explicit)).status_code in (404, 503)
    assert len({url.split("/")[2] for url in world.federation.fetched}) == 3


Claims = dict[str, Any]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": REMOVE},
        {"aud": "https://mo.example"},
        {"aud": f"{NODE}{PATH}"},
        {"aud": [NODE, "https://mo.example"]},
        {"exp": 1_800_000_000 - 300},
        {"iat": 1_800_000_000 + 300},
        {"sub": "https://other.example"},
        {"jwks": REMOVE},
        {"metadata_policy": {}},
        {"trust_anchor": NODE},
        {"crit": ["x"]},
        {"signer": keys.generate()},
        {"header": {"alg": "none"}},
        {"header": {"typ": "JWT"}},
        {"header": {"typ": "explicit-registration-response+jwt"}},
        {"header": {"trust_chain": "x"}},
    ],
)
def test_request_that_does_not_hold_is_refused(world: World, explicit: RelyingParty, claims: Claims) -> None:
    """invalid solely because of one thing about the statement that was posted (row 30)."""
    assert error_of(post(world, request_of(explicit, **claims))) == (400, "invalid_request")
    assert not Client.objects.exists()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (lambda rp, path: request_of(rp), "application/jwt"),
        (lambda rp, path: request_of(rp), CHAIN),
        (lambda rp, path: json.dumps([request_of(rp), *path]), STATEMENT),
        (lambda rp, path: json.dumps([request_of(rp), *path]), "application/json"),
        (lambda rp, path: json.dumps([request_of(rp)]), CHAIN),
        (lambda rp, path: json.dumps([rp.entity.configuration(), *path]), CHAIN),
        (lambda rp, path: json.dumps([request_of(rp), 5]), CHAIN),
        (lambda rp, path: json.dumps([request_of(rp, header={"peer_trust_chain": path[1:]}), *path]), CHAIN),
        (lambda rp, path: json.dumps({"trust_chain": path}), CHAIN),
        (lambda rp, path: "", STATEMENT),
        (lambda rp, path: "é", STATEMENT),
    ],
)
def test_body_of_another_kind_is_refused(
    world: World, explicit: RelyingParty, body: Callable[[RelyingParty, list[str]], str], kind: str
) -> None:
    """invalid solely because content type and body do not fit (row 30)."""
    assert error_of(post(world, body(explicit, own_path(explicit, world.now)), kind=kind)) == (400, "invalid_request")


def test_method_and_size_are_bounded(world: World, explicit: RelyingParty) -> None:
    """invalid solely because it is a GET, or too long."""
    assert error_of(world.machine.get(PATH)) == (405, "invalid_request")
    assert error_of(post(world, "x" * 131_073)) == (413, "invalid_request")


def test_stranger_is_told_that_nobody_vouches(world: World, explicit: RelyingParty) -> None:
    """invalid solely because this node states nothing about it."""
    stranger = RelyingParty(world.federation, "https://stranger.example", world.now)
    assert error_of(post(world, request_of(stranger))) == (404, "invalid_trust_anchor")
    stranger.entity.hints = []
    assert error_of(post(world, request_of(stranger))) == (404, "invalid_trust_anchor")


@pytest.mark.parametrize("part", ["trust_chain", "peer_trust_chain", "body"])
def test_chain_of_another_entity_is_refused(world: World, rp: RelyingParty, part: str) -> None:
    """invalid solely because the chain is a sound one of somebody else (rows 27, 28)."""
    other = RelyingParty(world.federation, "https://other.example", world.now)
    world.vouch_for(other)
    path = own_path(other, world.now)
    if part == "body":
        response = post(world, json.dumps([request_of(rp), *path]), kind=CHAIN)
    else:
        response = post(world, request_of(rp, header={part: [other.entity.configuration(), *path]}))
    assert error_of(response) == (400, "invalid_trust_chain")


@pytest.mark.parametrize(
    "changes",
    [
        {"client_registration_types": ["automatic"]},
        {"redirect_uris": ["http://rp.example/cb"]},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"id_token_signed_response_alg": "HS256"},
        {"id_token_signed_response_alg": "none"},
        {"id_token_encrypted_response_alg": "RSA-OAEP"},
        {"userinfo_signed_response_alg": "HS256"},
        {"response_types": ["id_token"]},
        {"jwks": REMOVE},
        {"jwks": REMOVE, "jwks_uri": "http://rp.example/keys"},
        {"client_name": "a\x00b"},
    ],
)
def test_metadata_that_cannot_be_used_is_refused(world: World, rp: RelyingParty, changes: dict[str, Any]) -> None:
    """invalid solely because of one member of the metadata."""
    rp.says(**changes)
    assert error_of(post(world, request_of(rp))) == (400, "invalid_metadata")
    assert not Client.objects.exists()


def test_superiors_policy_is_applied_to_what_was_posted(world: World, explicit: RelyingParty) -> None:
    """A relying party that widens what its superior allows."""
    entities.register_subordinate(
        entity_id=explicit.client_id,
        jwks=explicit.entity.keys.jwks(),
        entity_types=["openid_relying_party"],
        metadata_policy={"openid_relying_party": {"grant_types": {"subset_of": ["authorization_code"]}}},
        now=world.now,
    )
    assert registered(world, explicit).metadata["grant_types"] == ["authorization_code"]


def test_explicit_client_is_not_registered_automatically_nor_the_reverse(world: World, rp: RelyingParty) -> None:
    """invalid solely because the metadata names the other way only."""
    rp.says(client_registration_types=["explicit"])
    assert code_on(enter(world)) == "invalid_client"
    rp.says(client_registration_types=["automatic"])
    assert error_of(post(world, request_of(rp))) == (400, "invalid_metadata")


def test_registration_ends_with_its_chain(
    world: World, explicit: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """invalid solely because the registration is over: the client must register again (§12.3, row 31)."""
    end = registered(world, explicit).expires_at
    kept(enter(world))
    monkeypatch.setattr("idp.clock.now", lambda: end)
    world.now = explicit.now = world.federation.now = end
    assert code_on(enter(world)) == "invalid_client"
    assert error_of(world.push()) == (401, "invalid_client")
    registered(world, explicit)
    kept(enter(world))


def test_registration_ends_with_the_recognition(world: World, explicit: RelyingParty) -> None:
    """invalid solely because this node stopped vouching, long before the registration's end."""
    registered(world, explicit)
    entities.end_subordinate(entity_id=explicit.client_id, now=world.now)
    assert code_on(enter(world)) == "invalid_client"
    assert error_of(world.push()) == (404, "invalid_trust_anchor")
    assert error_of(post(world, request_of(explicit))) == (404, "invalid_trust_anchor")


def test_new_registration_replaces_the_old_one(world: World, explicit: RelyingParty) -> None:
    """§12.2.2: keys and URIs of the registration before are gone, and an old request does not bring them back."""
    old = request_of(explicit, iat=world.now - 5)
    registered(world, explicit, old)
    sector = client().sector
    explicit.key = keys.generate()
    explicit.says(client_registration_types=["explicit"], redirect_uris=["https://rp.example/new"])
    registered(world, explicit)
    assert client().listed("redirect_uris") == ["https://rp.example/new"] and client().sector == sector
    assert error_of(post(world, old)) == (400, "invalid_request")
    assert client().listed("redirect_uris") == ["https://rp.example/new"]


def test_client_of_an_officer_is_left_alone(world: World, explicit: RelyingParty) -> None:
    """invalid solely because an officer registered the client under this identifier."""
    Client.objects.create(
        client_id=explicit.client_id, profile="border", registration="admin", sector="a.example", created_at=world.now
    )
    assert error_of(post(world, request_of(explicit))) == (400, "invalid_request")
    assert client().registration == "admin"


def test_stopped_client_stays_stopped(world: World, explicit: RelyingParty) -> None:
    """invalid solely because an officer disabled it: registering again does not undo that."""
    registered(world, explicit)
    Client.objects.update(disabled=True)
    registered(world, explicit)
    assert code_on(enter(world)) == "unauthorized_client"


def test_nobody_weakens_itself(world: World, explicit: RelyingParty) -> None:
    """invalid solely because the client was of the border profile once."""
    explicit.key = keys.generate()
    explicit.says(client_registration_types=["explicit"], authorization_details_types=["border_crossing"])
    assert registered(world, explicit).metadata["id_token_signed_response_alg"] == "ES256"
    explicit.says(client_registration_types=["explicit"], id_token_signed_response_alg="RS256", subject_type="public")
    answer = registered(world, explicit).metadata
    assert (answer["id_token_signed_response_alg"], answer["subject_type"]) == ("ES256", "pairwise")
    assert client().profile == "border" and client_metadata.id_token_algorithm(client()) == "ES256"
    assert code_on(enter(world, explicit.signed(nbf=world.now))) == "invalid_request"  # a wallet pushes


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    claims=st.dictionaries(
        st.sampled_from(["iss", "sub", "aud", "iat", "exp", "jwks", "metadata", "authority_hints", "trust_marks"]),
        st.none() | SMALL | st.text(max_size=6) | st.lists(st.text(max_size=3), max_size=2) | st.just({}),
        max_size=2,
    ),
    member=st.dictionaries(
        st.sampled_from([*client_metadata.KEY_SOURCES, "redirect_uris", "client_registration_types", "response_types"]),
        SMALL | st.text(max_size=6) | st.lists(SMALL | st.text(max_size=3), max_size=2) | st.just({}),
        max_size=2,
    ),
    kind=st.sampled_from([STATEMENT, CHAIN, "text/plain"]),
)
def test_no_junk_makes_the_endpoint_fail(
    world: World, rp: RelyingParty, claims: dict[str, Any], member: dict[str, Any], kind: str
) -> None:
    """Whatever is posted is registered or refused with both members of an error, and never a 500."""
    rp.says(**member)
    text = jws.sign(
        REGISTRATION_REQUEST,
        {**jws.parse_unverified(request_of(rp), REGISTRATION_REQUEST).claims, **claims},
        rp.entity.key,
    )
    response = post(world, text if kind != CHAIN else json.dumps([text, *own_path(rp, world.now)]), kind=kind)
    assert response.status_code in (200, 400, 404, 503), response.content
    assert response.status_code == 200 or set(response.json()) == {"error", "error_description"}
