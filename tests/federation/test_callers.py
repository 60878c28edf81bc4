"""Client authentication at the federation endpoints (Federation §8.8): by a federation key, once, with no storm."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.test import Client

from idp.federation import auth_methods, callers, entities, peering, resolution, resolve_response, signing, statements
from idp.federation.models import ChainCache, UsedAssertion
from idp.protocol import client_assertion, jws, keys
from idp.protocol.client_assertion import ASSERTION_TYPE, CLIENT_ASSERTION, TYP
from idp.protocol.keys import PrivateKey
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Peers
from tests.simulators.federation import AuthoritySimulator, chain

FORM = "application/x-www-form-urlencoded"
REMOVE = Ellipsis


@pytest.fixture
def cn(peers: Peers) -> AuthoritySimulator:
    peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    return peers.cn


@pytest.fixture
def stranger(peers: Peers, cn: AuthoritySimulator) -> AuthoritySimulator:
    """An entity below the peer: it has a chain to us, but nobody has looked for it yet."""
    below = peers.authority("below", cn.entity_id, oauth_resource={"resource": "x"})
    cn.recognise(below)
    return below


def _assertion(
    caller: AuthoritySimulator,
    *,
    signer: PrivateKey | None = None,
    header: dict[str, Any] | None = None,
    **changed: Any,
) -> str:
    base = {
        "iss": caller.entity_id,
        "sub": caller.entity_id,
        "aud": "http://hk.localhost:8002",
        "iat": NOW,
        "exp": NOW + 60,
        "jti": "j-1",
    }
    claims = {name: value for name, value in {**base, **changed}.items() if value is not REMOVE}
    return jws.sign(CLIENT_ASSERTION, claims, signer or caller.key, headers={"typ": TYP, **(header or {})})


def _post(http: Client, path: str, assertion: str, **form: Any) -> Any:
    fields = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion, **form}
    body = urlencode({name: value for name, value in fields.items() if value is not REMOVE}, doseq=True)
    return http.post(f"/federation/{path}", body, FORM)


def _resolve(http: Client, node: str, subject: str, assertion: str, **form: Any) -> Any:
    return _post(http, "resolve", assertion, sub=subject, trust_anchor=node, **form)


def _unauthenticated(response: Any) -> None:
    assert response.status_code == 401
    assert response.json()["error"] == "invalid_client"
    assert response.json()["error_description"] == "the client was not authenticated"


def test_who_is_authenticated_has_it_searched_and_is_named_in_the_answer(
    http: Client, node: str, peers: Peers, cn: AuthoritySimulator, stranger: AuthoritySimulator
) -> None:
    response = _resolve(http, node, stranger.entity_id, _assertion(cn), entity_type=["oauth_resource", "x"])
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "application/resolve-response+jwt"
    claims = jws.verify(
        response.content, resolve_response.RESOLVE_RESPONSE, signing.published("federation"), now=NOW
    ).claims
    assert claims["aud"] == cn.entity_id
    assert claims["sub"] == stranger.entity_id
    assert claims["metadata"] == {"oauth_resource": {"resource": "x"}}
    assert len(claims["trust_chain"]) == 4


def test_an_entity_below_a_peer_brings_its_chain_and_nothing_is_fetched(
    http: Client, node: str, peers: Peers, cn: AuthoritySimulator, stranger: AuthoritySimulator
) -> None:
    brought = [*chain(stranger, cn, anchored=False), statements.subordinate_statement(cn.entity_id, NOW)]
    peers.asked.clear()
    response = _resolve(http, node, node, _assertion(stranger, header={"trust_chain": brought}))
    assert response.status_code == 200, response.content
    assert peers.asked == []


@pytest.mark.parametrize("act", [peering.suspend, peering.end])
def test_a_chain_brought_through_a_suspended_or_ended_peer_is_refused(
    http: Client, node: str, cn: AuthoritySimulator, stranger: AuthoritySimulator, act: Any
) -> None:
    """Invalid solely because the peer in it does not stand any more: its statements have not expired."""
    brought = [*chain(stranger, cn, anchored=False), statements.subordinate_statement(cn.entity_id, NOW)]
    assert _resolve(http, node, node, _assertion(stranger, header={"trust_chain": brought})).status_code == 200
    act(peering.Peer.objects.get(), officer=OFFICER)
    late = _assertion(stranger, header={"trust_chain": brought}, jti="j-2")
    _unauthenticated(_resolve(http, node, node, late))


def test_a_chain_that_was_found_before_serves(http: Client, node: str, stranger: AuthoritySimulator) -> None:
    resolution.resolve(stranger.entity_id, now=NOW)
    assert _resolve(http, node, node, _assertion(stranger)).status_code == 200


def test_an_assertion_of_a_stranger_starts_no_search(
    http: Client, node: str, peers: Peers, stranger: AuthoritySimulator
) -> None:
    """Invalid solely because no chain is at hand: whoever is not authenticated sends this node nowhere (§18.1)."""
    peers.asked.clear()
    for caller in (stranger, peers.mo):
        _unauthenticated(_resolve(http, node, node, _assertion(caller)))
    assert peers.asked == []


def test_a_checkpoint_of_ours_and_a_messenger_may_ask(http: Client, node: str, peers: Peers) -> None:
    messenger = peers.authority("messenger", node, openid_relying_party={})
    entities.register_subordinate(
        entity_id=messenger.entity_id, jwks=messenger.keys.jwks(), entity_types=["openid_relying_party"], now=NOW
    )
    assert _resolve(http, node, messenger.entity_id, _assertion(messenger)).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "http://hk.localhost:8002/federation/resolve"},
        {"aud": ["http://hk.localhost:8002"]},
        {"aud": ["http://hk.localhost:8002", "https://x.example"]},
        {"aud": REMOVE},
        {"iss": "https://x.example"},
        {"sub": "https://x.example"},
        {"exp": NOW - 60},
        {"exp": REMOVE},
        {"exp": NOW + 3000},
        {"exp": "1800000060"},
        {"iat": NOW + 60},
        {"jti": REMOVE},
        {"header": {"typ": "entity-statement+jwt"}},
        {"header": {"jku": "https://x.example/keys"}},
        {"header": {"trust_chain": []}},
        {"header": {"trust_chain": ["x"]}},
    ],
    ids=str,
)
def test_an_assertion_with_one_fault_authenticates_nobody(
    http: Client, node: str, cn: AuthoritySimulator, changed: dict[str, Any]
) -> None:
    """Invalid solely because of the one claim or header."""
    _unauthenticated(_resolve(http, node, node, _assertion(cn, **changed)))
    assert not UsedAssertion.objects.exists()


@pytest.mark.parametrize(
    "form",
    [
        {"client_assertion_type": REMOVE},
        {"client_assertion_type": "urn:x"},
        {"client_assertion": REMOVE},
        {"client_assertion": ["x", "y"]},
        {"client_assertion": "\0.\0.\0"},
        {"client_id": "https://other.example"},
    ],
    ids=str,
)
def test_a_form_without_one_good_assertion_authenticates_nobody(
    http: Client, node: str, cn: AuthoritySimulator, form: dict[str, Any]
) -> None:
    """Invalid solely because of the form."""
    _unauthenticated(_resolve(http, node, node, _assertion(cn), **form))


def test_a_client_id_that_agrees_does_no_harm(http: Client, node: str, cn: AuthoritySimulator) -> None:
    assert _resolve(http, node, node, _assertion(cn), client_id=cn.entity_id).status_code == 200


def test_only_a_federation_key_that_the_superior_states_signs(
    http: Client, node: str, peers: Peers, cn: AuthoritySimulator
) -> None:
    """Invalid solely because of the key: a border key, a made-up key under the right name, and none at all."""
    impostor = keys.parse_private({**keys.generate().jwk(), "kid": cn.key.kid})
    for signer in (peers.border_keys["cn"], impostor, peers.mo.key):
        _unauthenticated(_resolve(http, node, node, _assertion(cn, signer=signer)))
    head, body, _ = _assertion(cn).split(".")
    _unauthenticated(_resolve(http, node, node, f"{head}.{body}."))


def test_an_assertion_is_good_once(http: Client, node: str, peers: Peers, cn: AuthoritySimulator) -> None:
    """Invalid solely because it was used before (its jti, not its text)."""
    assert _resolve(http, node, node, _assertion(cn)).status_code == 200
    _unauthenticated(_resolve(http, node, node, _assertion(cn)))
    _unauthenticated(_resolve(http, node, node, _assertion(cn, exp=NOW + 120)))
    assert _resolve(http, node, node, _assertion(cn, jti="j-2")).status_code == 200


def test_a_used_assertion_is_remembered_until_it_would_be_too_old(
    http: Client, node: str, cn: AuthoritySimulator
) -> None:
    _resolve(http, node, node, _assertion(cn))
    assert callers.purge(NOW + 60) == 0
    assert callers.purge(NOW + 60 + 2 * jws.LEEWAY + 1) == 1


def test_an_assertion_is_used_up_also_when_the_request_fails(http: Client, node: str, cn: AuthoritySimulator) -> None:
    assert _post(http, "resolve", _assertion(cn), sub=node).status_code == 400
    _unauthenticated(_resolve(http, node, node, _assertion(cn)))


@pytest.mark.parametrize("act", [peering.suspend, peering.end])
def test_a_suspended_or_ended_peer_is_nobody(http: Client, node: str, cn: AuthoritySimulator, act: Any) -> None:
    """Invalid solely because recognition does not stand."""
    resolution.resolve(cn.entity_id, now=NOW)
    row = ChainCache.objects.get(subject=cn.entity_id)
    act(peering.Peer.objects.get(), officer=OFFICER)
    row.pk = None
    row.save(force_insert=True)
    _unauthenticated(_resolve(http, node, node, _assertion(cn)))


def test_a_subject_without_a_chain_is_told_from_one_whose_chain_fails(
    http: Client, node: str, peers: Peers, cn: AuthoritySimulator
) -> None:
    """Negative case 23, for a caller who may have it searched."""
    cases = [(peers.mo.entity_id, 404, "invalid_subject"), ("nonsense", 404, "invalid_subject")]
    cn.metadata["openid_provider"] = {"issuer": "https://other.example"}
    cases.append((cn.entity_id, 400, "invalid_metadata"))
    messenger = peers.authority("messenger", node, openid_relying_party={})
    entities.register_subordinate(
        entity_id=messenger.entity_id, jwks=messenger.keys.jwks(), entity_types=["openid_relying_party"], now=NOW
    )
    for number, (subject, status, code) in enumerate(cases):
        response = _resolve(http, node, subject, _assertion(messenger, jti=f"j-{number}"))
        assert (response.status_code, response.json()["error"]) == (status, code), subject


def test_a_peer_that_is_down_is_no_fault_of_the_caller(
    http: Client, node: str, peers: Peers, cn: AuthoritySimulator
) -> None:
    peers.federation.down.add(cn.entity_id.removeprefix("http://"))
    response = _resolve(http, node, node, _assertion(cn))
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")


def test_without_a_setting_only_resolve_asks_and_nothing_else_is_published(node: str) -> None:
    published = entities.metadata()["federation_entity"]
    assert published["federation_resolve_endpoint_auth_methods"] == ["none", "private_key_jwt"]
    assert [name for name in published if name.endswith("_auth_methods")] == [
        "federation_resolve_endpoint_auth_methods"
    ]
    assert published["endpoint_auth_signing_alg_values_supported"] == ["ES256", "EdDSA", "PS256", "RS256", "Ed25519"]


def test_nothing_is_published_where_nothing_asks(node: str, settings: Any) -> None:
    settings.IDP_FEDERATION_AUTH = {"resolve": ["none"]}
    assert not [name for name in entities.metadata()["federation_entity"] if "_auth_" in name]


@pytest.mark.parametrize("name", auth_methods.ENDPOINTS)
def test_an_endpoint_that_demands_authentication_serves_nobody_else(
    http: Client, node: str, cn: AuthoritySimulator, settings: Any, name: str
) -> None:
    settings.IDP_FEDERATION_AUTH = {name: ["private_key_jwt"]}
    path = {"trust_mark_list": "trust-marked"}.get(name, name.replace("_", "-"))
    published = entities.metadata()["federation_entity"]
    assert published[f"federation_{name}_endpoint_auth_methods"] == ["private_key_jwt"]
    assert published[f"federation_{name}_endpoint"].endswith(f"/federation/{path}")
    query = {
        "sub": cn.entity_id,
        "trust_anchor": node,
        "trust_mark_type": f"{node}/trust-marks/border-issuer",
        "trust_mark": "x",
    }
    if name != "trust_mark_status":
        refused = http.get(f"/federation/{path}", query)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    _unauthenticated(http.post(f"/federation/{path}", urlencode(query), FORM))
    answered = _post(http, path, _assertion(cn), **query)
    assert answered.status_code == (400 if name == "trust_mark_status" else 200), answered.content


def test_where_nobody_is_asked_a_post_is_not_allowed(http: Client, node: str, cn: AuthoritySimulator) -> None:
    """Federation §8: without client authentication a request is a GET."""
    response = _post(http, "fetch", _assertion(cn), sub=cn.entity_id)
    assert (response.status_code, response.json()["error"]) == (405, "invalid_request")
    assert not UsedAssertion.objects.exists()


def test_where_both_will_do_a_post_must_still_say_who_asks(http: Client, node: str) -> None:
    """Invalid solely because the form has no assertion: it would be an unauthenticated POST."""
    _unauthenticated(http.post("/federation/resolve", urlencode({"sub": node, "trust_anchor": node}), FORM))


@pytest.mark.parametrize(
    "setting",
    [
        [],
        "none",
        {"fetch": "none"},
        {"fetch": []},
        {"fetch": ["none", "none"]},
        {"fetch": ["client_secret_basic"]},
        {"fetch": [{}]},
        {"federation_fetch_endpoint": ["none"]},
    ],
    ids=str,
)
def test_a_setting_that_names_what_there_is_not_is_an_error_at_the_start(settings: Any, setting: Any) -> None:
    settings.IDP_FEDERATION_AUTH = setting
    assert {message.id for message in auth_methods.check()} == {"idp.E106"}


def test_a_good_setting_passes_the_check(settings: Any) -> None:
    settings.IDP_FEDERATION_AUTH = {"fetch": ["private_key_jwt"], "list": ["none", "private_key_jwt"]}
    assert auth_methods.check() == []


def test_the_assertion_that_a_wallet_would_make_is_read(http: Client, node: str, cn: AuthoritySimulator) -> None:
    text = client_assertion.sign(client_id=cn.entity_id, issuer=node, now=NOW, jti="j-9", signer=cn.key)
    assert _resolve(http, node, quote(node, safe=":/"), text).status_code == 200
