"""Answers that a client wants to read alone: id tokens, userinfo, authorization responses and logout tokens."""

import itertools
import json
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from idp.federation import signing
from idp.oidc import encrypted_answers, encryption, logout_notices, metadata, responses, tokens, userinfo
from idp.oidc.models import Client
from idp.protocol import jws, keys
from tests.oidc.basic_party import BasicParty
from tests.oidc.relying_party import RelyingParty
from tests.oidc.relying_party import tokens as tokens_of
from tests.oidc.sealed import inside, jwk, opened, seals, wants
from tests.oidc.test_backchannel import URI as LOGOUT
from tests.oidc.test_backchannel import Post, log_out
from tests.oidc.test_backchannel import post as post
from tests.oidc.test_claims import give_document
from tests.oidc.test_response_modes import posted
from tests.oidc.test_userinfo import bank_of, get
from tests.oidc.world import NODE, World, answer
from tests.simulators.federation import REMOVE

# --- id tokens (OpenID Connect Core §2, §10.2) ---------------------------------------------------------------------


def test_id_token_is_for_the_client_alone_at_code_and_at_refresh(basic: BasicParty) -> None:
    """One of the two ways to it that stays in clear would show here. The default encryption is that of §2."""
    seals(basic, "id_token")
    got = basic.tokens()
    form = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    again = basic.post("/oidc/token", form).json()
    for answered in (got, again):
        told = inside(answered["id_token"], tokens.ID_TOKEN, now=basic.world.now)
        assert (told["iss"], told["aud"]) == (NODE, basic.client_id)
        assert answered["access_token"].count(".") == 2  # for ourselves, and no claim of anybody's is in it
    assert got["id_token"] != again["id_token"]


def test_claims_of_the_id_token_are_inside_and_nowhere_else(basic: BasicParty) -> None:
    give_document(basic)
    seals(basic, "id_token")
    got = basic.tokens(claims=json.dumps({"id_token": {"birthdate": {"essential": True}}}))
    told = inside(got["id_token"], tokens.ID_TOKEN, now=basic.world.now)
    assert (told["birthdate"], told["nonce"]) == ("1990-01-01", "n-1")
    assert set(get(basic.world, got["access_token"]).json()) == {"sub"}


def test_fapi_client_and_relying_party_of_a_chain_get_theirs(world: World, rp: RelyingParty) -> None:
    members = {"jwks": {"keys": [*keys.KeySet([rp.key.public]).jwks()["keys"], jwk()]}}
    rp.says(**members, **wants("id_token", "RSA-OAEP-256", "A256GCM"))
    got = tokens_of(world)
    told = inside(got["id_token"], tokens.ID_TOKEN, now=world.now, alg="RSA-OAEP-256", enc="A256GCM")
    assert told["aud"] == rp.client_id
    bank = bank_of(world)
    jwks = {"keys": [*keys.KeySet([bank.key.public]).jwks()["keys"], jwk("EC")]}
    row = Client.objects.get(client_id=bank.client_id)
    row.metadata = {**row.metadata, "jwks": jwks, **wants("id_token", "ECDH-ES", "A128GCM")}
    row.save()
    got = world.tokens(bank.request(authorization_details=REMOVE))
    told = inside(got["id_token"], tokens.ID_TOKEN, now=world.now, alg="ECDH-ES", enc="A128GCM")
    assert told["aud"] == bank.client_id


def test_hint_is_the_token_that_was_inside(basic: BasicParty) -> None:
    """Core §3.1.2.1: the client takes it out of its envelope, for which we have no key."""
    seals(basic, "id_token")
    sealed = basic.tokens()["id_token"]
    assert basic.kept(id_token_hint=opened(sealed)[0])
    assert "error=invalid_request" in basic.ask(id_token_hint=sealed)["Location"]


def test_logout_token_is_encrypted_like_id_tokens(world: World, basic: BasicParty, post: Post) -> None:
    """Back-Channel Logout §2.6: whoever has id tokens encrypted should refuse one that is not."""
    seals(basic, "id_token", backchannel_logout_uri=LOGOUT)
    basic.tokens()
    log_out(world)
    assert logout_notices.deliver(now=world.now) == 1
    assert inside(post.sent[0][3], logout_notices.LOGOUT_TOKEN, now=world.now)["aud"] == basic.client_id


# --- userinfo (Core §5.3.2) ----------------------------------------------------------------------------------------


def test_userinfo_may_be_encrypted_without_signature(basic: BasicParty) -> None:
    give_document(basic)
    seals(basic, "userinfo")
    told = get(basic.world, basic.tokens(scope="openid profile")["access_token"])
    assert (told["Content-Type"], told["Cache-Control"]) == ("application/jwt", "no-store")
    text, header = opened(told.content.decode())
    assert "cty" not in header  # claims, and no token inside
    assert json.loads(text)["name"] == "陳大文" and json.loads(text)["sub"]


def test_userinfo_may_be_signed_and_encrypted(basic: BasicParty) -> None:
    seals(basic, "userinfo", userinfo_signed_response_alg="ES256")
    told = get(basic.world, basic.tokens()["access_token"])
    claims = inside(told.content.decode(), userinfo.RESPONSE, now=basic.world.now)
    assert (claims["iss"], claims["aud"]) == (NODE, basic.client_id)


# --- authorization responses (JARM §2.2) ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["jwt", "query.jwt", "form_post.jwt"])
@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_reply_is_signed_then_encrypted(basic: BasicParty, mode: str, decision: str) -> None:
    seals(basic, "authorization")
    basic.world.log_in()
    got = basic.decide(basic.kept(response_mode=mode), decision=decision)
    fields = posted(got) if mode.startswith("form") else answer(got)
    assert set(fields) == {"response"}
    claims = inside(fields["response"], responses.JARM, now=basic.world.now)
    assert (claims["iss"], claims["aud"], claims["state"]) == (NODE, basic.client_id, "s-1")
    if decision == "allow":
        assert basic.redeem(str(claims["code"])).status_code == 200
    else:
        assert claims["error"] == "access_denied"


def test_error_before_the_login_is_encrypted_too(basic: BasicParty) -> None:
    seals(basic, "authorization")
    got = answer(basic.ask(response_mode="jwt", prompt="none login"))
    assert inside(got["response"], responses.JARM, now=basic.world.now)["error"] == "invalid_request"


def test_reply_that_was_not_asked_as_a_token_is_as_ever(basic: BasicParty) -> None:
    """JARM §3: how a response is encrypted says nothing of one that is no JWT."""
    seals(basic, "authorization")
    basic.world.log_in()
    assert set(answer(basic.decide(basic.kept()))) == {"code", "state", "iss"}


def test_fapi_clients_reply_is_encrypted_and_signed_by_a_modern_algorithm(world: World) -> None:
    """FAPI 2.0 Security Profile §5.4.1, also where the client registered RS256."""
    bank = bank_of(world, authorization_signed_response_alg="RS256", **wants("authorization", "ECDH-ES", "A256GCM"))
    row = Client.objects.get(client_id=bank.client_id)
    row.metadata["jwks"]["keys"].append(jwk("EC"))
    row.save()
    world.log_in()
    got = answer(world.decide(world.pushed(bank.request(authorization_details=REMOVE, response_mode="jwt"))))
    nested, _ = opened(got["response"], alg="ECDH-ES", enc="A256GCM")
    found = jws.verify(nested, responses.JARM, signing.published("oidc"), now=world.now)
    assert (found.header["alg"], found.claims["aud"]) == ("ES256", bank.client_id)


# --- what the provider says of it (Discovery §3, JARM §4) ----------------------------------------------------------


def offered(kind: str) -> Iterator[tuple[str, str]]:
    said = metadata.openid_provider()
    algorithms, encryptions = (said[f"{kind}_encryption_{part}_values_supported"] for part in ("alg", "enc"))
    yield from itertools.product(algorithms, encryptions)


def told_by(kind: str) -> Callable[[BasicParty], str]:
    """How the client gets an answer of ``kind``."""

    def reply(basic: BasicParty) -> str:
        basic.world.log_in()
        return answer(basic.decide(basic.kept(response_mode="jwt")))["response"]

    return {
        "id_token": lambda basic: str(basic.tokens()["id_token"]),
        "userinfo": lambda basic: get(basic.world, basic.tokens()["access_token"]).content.decode(),
        "authorization": reply,
    }[kind]


@pytest.mark.parametrize("kind", encrypted_answers.ANSWERS)
def test_everything_that_is_offered_is_done(basic: BasicParty, kind: str) -> None:
    """Each pair of discovery's lists, through registration's check, at the real endpoint."""
    ways = list(offered(kind))
    assert len(ways) == 9
    for alg, enc in ways:
        basic.says(jwks={"keys": [jwk("RSA"), jwk("EC")]}, **wants(kind, alg, enc))
        encrypted_answers.check(basic.row.metadata)
        assert opened(told_by(kind)(basic), alg=alg, enc=enc)


def test_members_are_where_their_readers_look(world: World) -> None:
    """Those of JARM are an authorization server's (its §4), the others an OpenID provider's alone."""
    server, provider = metadata.oauth_authorization_server(), metadata.openid_provider()
    assert {name for name in server if "_encryption_" in name or name.startswith("authorization_sig")} == {
        "authorization_signing_alg_values_supported",
        "authorization_encryption_alg_values_supported",
        "authorization_encryption_enc_values_supported",
        "request_object_encryption_alg_values_supported",
        "request_object_encryption_enc_values_supported",
    }
    assert {name for name in provider if name not in server and "_alg_" in name} == {
        "id_token_signing_alg_values_supported",
        "id_token_encryption_alg_values_supported",
        "userinfo_signing_alg_values_supported",
        "userinfo_encryption_alg_values_supported",
    }


# --- who did not ask pays nothing ----------------------------------------------------------------------------------


def statements(ask: Callable[[], HttpResponse]) -> int:
    with CaptureQueriesContext(connection) as counted:
        assert ask().status_code == 200
    return len(counted)


def redeemed(basic: BasicParty) -> int:
    code = basic.code()
    return statements(lambda: basic.redeem(code))


def test_nobody_pays_for_what_others_want(basic: BasicParty) -> None:
    """An encrypted answer to a key at hand takes as many statements as one in clear, and one in clear none more."""
    redeemed(basic)  # the first one finds no consent
    plain = redeemed(basic)
    token = basic.tokens()["access_token"]
    told = statements(lambda: get(basic.world, token))
    seals(basic, "id_token", "userinfo")
    assert redeemed(basic) == plain
    assert statements(lambda: get(basic.world, token)) == told
    with CaptureQueriesContext(connection) as counted:
        for kind in encrypted_answers.ANSWERS[1:]:
            encryption.recipient(Client(metadata={}), kind, now=basic.world.now)
    assert not counted
