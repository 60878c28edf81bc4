"""Login across the border at its first station: the traveller says where the documents were issued."""

from html import unescape
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from django.http import HttpResponse

from idp.accounts.models import Account, Traveller
from idp.federation import fetching, peering, terms
from idp.federation.models import Peer
from idp.oidc.models import Client
from idp.protocol.refusals import Unavailable
from tests.oidc.basic_party import BasicParty
from tests.oidc.relying_party import RelyingParty, enter, kept
from tests.oidc.world import NODE, World
from tests.simulators.federation import REMOVE, AuthoritySimulator

INITIATE = "https://rp.example/login"
MACAO = "https://mo.example"
OFFICER = "officer-7"


@pytest.fixture
def party(rp: RelyingParty) -> RelyingParty:
    """A relying party below this node that takes logins begun elsewhere."""
    rp.says(initiate_login_uri=INITIATE)
    return rp


@pytest.fixture
def macao(world: World) -> Peer:
    """A peer that is an OpenID provider, recognised both ways."""
    return recognised(world, MACAO, {"en": "Macao Specimen", "zh-Hant": "澳門樣本"})


def recognised(world: World, entity_id: str, names: dict[str, str]) -> Peer:
    simulated = provider(world, entity_id)
    simulated.hints = [NODE]
    peer = peering.propose(entity_id, officer=OFFICER)
    Peer.objects.filter(pk=peer.pk).update(name=names)
    peering.recognise(peer, officer=OFFICER)
    return peering.accept_recognition(peer, officer=OFFICER)


def provider(world: World, entity_id: str) -> AuthoritySimulator:
    """An authority whose metadata agrees with what is demanded of every peer."""
    metadata = {"issuer": entity_id, "id_token_signing_alg_values_supported": ["ES256"]}
    return world.federation.authority(entity_id, openid_provider=metadata)


def choose(world: World, **query: str) -> HttpResponse:
    return world.browser.get("/oidc/authorities", {"client_id": world.messenger.client_id, **query})


def issuers(response: HttpResponse) -> list[str]:
    """The issuers of the links, in the order of the page."""
    assert response.status_code == 200, response.content
    return [dict(parse_qsl(urlsplit(choice["url"]).query))["iss"] for choice in response.context["choices"]]


def refusal(response: HttpResponse) -> tuple[int, str]:
    """A page, and never a redirect."""
    assert "Location" not in response and response.templates[0].name == "oidc/error.html"
    return response.status_code, response.context["code"]


def test_own_authority_comes_first_then_the_peers(world: World, party: RelyingParty, macao: Peer) -> None:
    """A page that leaves out the peer, whose residents then have nowhere to go."""
    assert issuers(choose(world)) == [NODE, MACAO]


def test_choice_begins_a_login_at_the_client(world: World, party: RelyingParty, macao: Peer) -> None:
    """OpenID Connect Core §4: iss is the provider chosen, and the rest is passed on as it came."""
    page = choose(world, target_link_uri="https://rp.example/orders?of=1&in=2", login_hint="mei li")
    link = page.context["choices"][1]["url"]
    assert link.split("?")[0] == INITIATE
    assert parse_qs(urlsplit(link).query) == {
        "iss": [MACAO],
        "target_link_uri": ["https://rp.example/orders?of=1&in=2"],
        "login_hint": ["mei li"],
    }
    assert f'href="{link}"' in unescape(page.content.decode())


def test_query_of_the_client_s_own_address_is_kept(world: World, party: RelyingParty) -> None:
    """An address with a query to which a second question mark is put."""
    party.says(initiate_login_uri=f"{INITIATE}?tenant=7")
    (only,) = choose(world).context["choices"]
    assert parse_qs(urlsplit(only["url"]).query) == {"tenant": ["7"], "iss": [NODE]}


def test_names_are_in_the_traveller_s_language(world: World, party: RelyingParty, macao: Peer) -> None:
    """A list of names that the traveller cannot read."""
    world.browser.cookies["django_language"] = "zh-hant"
    page = choose(world)
    assert page.context["choices"][1]["name"] == "澳門樣本"


def test_nothing_is_kept_of_the_person(world: World, party: RelyingParty, macao: Peer) -> None:
    """An account, a session or a hint that stays behind where nobody logs in."""
    choose(world, login_hint="mei.in.macao")
    assert (Account.objects.count(), Traveller.objects.count()) == (1, 1)  # the world's own
    assert "sessionid" not in {name.lower() for name in world.browser.cookies}
    assert "mei.in.macao" not in str(list(Client.objects.values()))


def test_client_that_is_new_is_found_by_its_chain(world: World, party: RelyingParty) -> None:
    """A page that only those can use who asked for a login before."""
    assert not Client.objects.exists()
    assert issuers(choose(world)) == [NODE]
    assert Client.objects.get().registration == "automatic"


@pytest.mark.parametrize("act", [peering.suspend, peering.end])
def test_peer_vanishes_at_once(world: World, party: RelyingParty, macao: Peer, act: Any) -> None:
    """A peer that was suspended or ended, and is still offered from a cached chain."""
    assert MACAO in issuers(choose(world))
    act(macao, officer=OFFICER)
    assert issuers(choose(world)) == [NODE]


def test_peer_comes_back_when_it_is_resumed(world: World, party: RelyingParty, macao: Peer) -> None:
    """A suspension that lasts for ever."""
    peering.suspend(macao, officer=OFFICER)
    choose(world)
    peering.resume(macao, officer=OFFICER)
    assert MACAO in issuers(choose(world))


def test_peer_whose_recognition_we_do_not_accept_is_left_out(world: World, party: RelyingParty, macao: Peer) -> None:
    """A choice that must fail: without our hint the peer finds no chain to the relying party."""
    Peer.objects.filter(pk=macao.pk).update(accepted_at=None)
    assert issuers(choose(world)) == [NODE]


def test_peer_that_may_be_no_provider_is_left_out(world: World, party: RelyingParty, macao: Peer) -> None:
    """Terms that leave out ``openid_provider``, and a page that does not read them."""
    types = [name for name in terms.constraints(terms.of(macao))["allowed_entity_types"] if name != "openid_provider"]
    agreed = terms.Terms(allowed_entity_types=types)
    terms.set_terms(macao, terms=agreed, officer=OFFICER)
    assert issuers(choose(world)) == [NODE]


def test_peer_that_does_not_answer_is_left_out(world: World, party: RelyingParty, macao: Peer) -> None:
    """A page that fails altogether because one of several authorities is away."""
    world.federation.down.add("mo.example")
    assert issuers(choose(world)) == [NODE]


def test_peer_of_a_peer_is_not_offered(world: World, party: RelyingParty, macao: Peer) -> None:
    """Recognition is not transitive, and so a login is not either."""
    world.federation.entities[MACAO].recognise(provider(world, "https://far.example"))
    assert issuers(choose(world)) == [NODE, MACAO]


def test_relying_party_below_a_peer_asks_its_own_anchor(world: World, party: RelyingParty, macao: Peer) -> None:
    """Invalid solely because its anchor is another: what stands below us says nothing of whom it may believe."""
    neighbour = RelyingParty(world.federation, "https://shop.example", world.now)
    neighbour.says(initiate_login_uri="https://shop.example/login")
    neighbour.entity.hints = []
    world.federation.entities[MACAO].recognise(neighbour.entity)
    assert refusal(choose(world, client_id="https://shop.example")) == (400, "unauthorized_client")
    assert Client.objects.get().chain_path[1] == MACAO  # a client here all the same


def test_relying_party_two_peers_away_has_no_chain(
    world: World, party: RelyingParty, macao: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    """Invalid solely because of one authority too many: max_path_length is 1."""
    caplog.set_level("INFO")
    far = provider(world, "https://far.example")
    world.federation.entities[MACAO].recognise(far)
    shop = RelyingParty(world.federation, "https://shop.example", world.now)
    shop.says(initiate_login_uri="https://shop.example/login")
    shop.entity.hints = []
    far.recognise(shop.entity)
    world.messenger = shop
    assert refusal(choose(world)) == (400, "invalid_metadata")
    assert refusal(enter(world)) == (401, "invalid_client")
    assert "more intermediates than max_path_length" in caplog.text
    assert not Client.objects.exists()


@pytest.mark.parametrize("uri", ["javascript:alert(1)", "http://rp.example/login", "//rp.example", 7, REMOVE])
def test_address_that_is_none_leads_nowhere(world: World, party: RelyingParty, uri: object) -> None:
    """Invalid solely because initiate_login_uri is no https URL: a link to it could be a script."""
    party.says(initiate_login_uri=uri)
    assert refusal(choose(world)) == (400, "unauthorized_client")


def test_unknown_client_leads_nowhere(world: World, party: RelyingParty) -> None:
    """An open redirector: invalid solely because nobody vouches for the client."""
    world.federation.authority("https://nobody.example")
    status, code = refusal(choose(world, client_id="https://nobody.example"))
    assert status >= 400 and code.startswith("invalid_trust")
    assert refusal(choose(world, client_id="nobody")) == (401, "invalid_client")


def test_disabled_client_leads_nowhere(world: World, party: RelyingParty) -> None:
    """Invalid solely because an officer stopped the client."""
    choose(world)
    Client.objects.update(disabled=True)
    assert refusal(choose(world)) == (400, "unauthorized_client")


def test_conventional_client_leads_nowhere(world: World, party: RelyingParty, basic: BasicParty) -> None:
    """Invalid solely because it has no chain: no other authority could know it."""
    basic.says(initiate_login_uri=INITIATE)
    assert refusal(choose(world, client_id=basic.client_id)) == (400, "unauthorized_client")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "client_id=https://rp.example&client_id=https://rp.example",
        "client_id=https://rp.example&login_hint=a&login_hint=b",
        "client_id=https://rp.example&login_hint=" + "a" * 257,
        "client_id=https://rp.example&target_link_uri=" + "a" * 2049,
        "client_id=https://rp.example&target_link_uri=a%0d%0ab",
        "client_id=https://rp.example&login_hint=%00",
    ],
)
def test_query_that_is_none(world: World, party: RelyingParty, query: str) -> None:
    """Invalid solely because a parameter is missing, stands twice, is too long or has control characters."""
    assert refusal(world.browser.get(f"/oidc/authorities?{query}")) == (400, "invalid_request")


def test_outage_is_said(world: World, party: RelyingParty, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain that cannot be fetched just now is no fault of the client."""

    def nobody(url: str, **_: object) -> None:
        raise Unavailable("down")

    monkeypatch.setattr(fetching, "get", nobody)
    assert refusal(choose(world)) == (503, "temporarily_unavailable")


def test_login_page_leads_to_it(world: World, party: RelyingParty) -> None:
    """Somebody from elsewhere who stands before a login that cannot be theirs."""
    page = world.browser.get(to_login(world))
    assert 'href="/oidc/authorities?client_id=https%3A%2F%2Frp.example"' in page.content.decode()


def test_login_page_of_a_client_that_cannot_be_sent_has_no_link(world: World, rp: RelyingParty) -> None:
    """A link that ends on an error page."""
    assert b"Resident of another territory?" not in world.browser.get(to_login(world)).content


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "x" * 5000])
def test_login_page_takes_no_link_to_elsewhere(world: World, elsewhere: str) -> None:
    """Invalid solely because the address is no path of ours: the page would carry a stranger's link."""
    page = world.browser.get("/account/login", {"next": "/", "elsewhere": elsewhere})
    assert b"Resident of another territory?" not in page.content


def to_login(world: World) -> str:
    """Where a request that was brought by value leads somebody who is not logged in."""
    location = world.open(kept(enter(world)))["Location"]
    assert location.startswith("/account/login?")
    return str(location)
