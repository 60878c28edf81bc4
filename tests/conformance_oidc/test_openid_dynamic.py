"""The plans for dynamic registration and third-party login: under their names, accepting the same errors."""

import json

import pytest

from tests.conformance import jose
from tests.conformance.browsing import Visitor
from tests.conformance_oidc import refusals, registrant
from tests.conformance_oidc.cast import BY_KEY
from tests.conformance_oidc.parties import Site, described
from tests.conformance_oidc.plans import DYNAMIC, INITIATED, each, module
from tests.conformance_oidc.relying import Server

pytestmark = pytest.mark.e2e
METADATA = ("invalid_client_metadata",)
# Module -> the query of the redirect URI that is registered, and of the one that is asked for.
QUERIES = {"redirect-uri-query-mismatch": ("?foo=bar", "?bar=foo"), "redirect-uri-query-added": ("", "?foo=bar")}
LINKS = {"registration-policy-uri": "policy_uri", "registration-tos-uri": "tos_uri"}


@pytest.fixture
def site(sites: dict[str, Site]) -> Site:
    return sites["rp.localhost"]


@module("idtoken-rs256", DYNAMIC)
def test_rs256(visitor: Visitor, server: Server, site: Site) -> None:
    """An algorithm that was asked for and not used."""
    registrant.register(server, site.origin, id_token_signed_response_alg="RS256", **BY_KEY).flow(visitor)


@module("ensure-client-assertion-with-iss-aud-succeeds", DYNAMIC)
def test_issuer_as_audience(visitor: Visitor, server: Server, site: Site) -> None:
    """An assertion for the issuer, which is what one should be for."""
    registrant.register(server, site.origin, **BY_KEY).flow(visitor)


@module("ensure-redirect-uri-in-authorization-request", DYNAMIC)
def test_no_redirect_uri(visitor: Visitor, server: Server, site: Site) -> None:
    """A redirect URI that is guessed."""
    two = [f"{site.origin}/callback", f"{site.origin}/callback2"]
    client = registrant.register(server, site.origin, redirect_uris=two)
    refusals.shown(client.arrived(visitor, client.request(redirect_uri=None)), refusals.REQUEST)
    client.flow(visitor, redirect_uri=two[1])


@module("redirect-uri-query-OK", DYNAMIC)
def test_redirect_uri_with_query(visitor: Visitor, server: Server, site: Site) -> None:
    """A query of the client's that is lost on the way (RFC 6749 §3.1.2)."""
    uri = f"{site.origin}/callback?foo=bar"
    client = registrant.register(server, site.origin, redirect_uris=[uri])
    client.flow(visitor)


@each(QUERIES, DYNAMIC)
def test_redirect_uri_with_another_query(visitor: Visitor, server: Server, site: Site, case: tuple[str, str]) -> None:
    """A redirect URI that is compared without its query."""
    uri, (own, sent) = f"{site.origin}/callback", case
    client = registrant.register(server, site.origin, redirect_uris=[uri + own])
    refusals.shown(client.arrived(visitor, client.request(redirect_uri=uri + sent)), refusals.REQUEST)


@module("redirect-uri-regfrag", DYNAMIC)
def test_redirect_uri_with_fragment(server: Server, site: Site) -> None:
    """A fragment, behind which parameters would be hidden (RFC 6749 §3.1.2)."""
    answer = registrant.asked(server, described(site.origin, redirect_uris=[f"{site.origin}/callback#foobar"]))
    refusals.answered(answer, ("invalid_redirect_uri", *METADATA))


@module("registration-jwks-uri", DYNAMIC)
def test_keys_by_reference(visitor: Visitor, server: Server, site: Site) -> None:
    """Keys behind an address that is not asked."""
    client = registrant.register(server, site.origin, jwks_uri=f"{site.origin}/jwks", **BY_KEY)
    site.pages["/jwks"] = client.party.key.jwks
    client.flow(visitor)
    assert "/jwks" in site.asked


@module("registration-sector-uri", DYNAMIC)
def test_sector(visitor: Visitor, server: Server, site: Site, sites: dict[str, Site]) -> None:
    """Two clients of one sector that know a traveller by two subjects."""
    other = sites["other.localhost"]
    callbacks = [f"{it.origin}/callback" for it in (site, other)]
    site.pages["/sector.json"] = callbacks
    subjects = set()
    for callback in callbacks:
        sector = f"{site.origin}/sector.json"
        client = registrant.register(server, site.origin, redirect_uris=[callback], sector_identifier_uri=sector)
        subjects.add(client.flow(visitor).claims["sub"])
    assert len(subjects) == 1


@module("registration-sector-bad", DYNAMIC)
def test_sector_of_another(server: Server, site: Site) -> None:
    """A client that takes a neighbour's subjects by naming the neighbour's sector."""
    site.pages["/others.json"] = ["https://other1.example/callback"]
    answer = registrant.asked(server, described(site.origin, sector_identifier_uri=f"{site.origin}/others.json"))
    refusals.answered(answer, METADATA)


@module("3rd_party-init-login", INITIATED)
def test_initiate_login_uri(server: Server, site: Site) -> None:
    """A member that is taken and forgotten."""
    uri = f"{site.origin}/login"
    client = registrant.register(server, site.origin, initiate_login_uri=uri)
    assert client.party.metadata["initiate_login_uri"] == uri
    assert registrant.read(client)["initiate_login_uri"] == uri


@module("3rd_party-init-login-nohttps", INITIATED)
def test_initiate_login_uri_without_tls(server: Server, site: Site) -> None:
    """An address whose answer anybody on the way could write."""
    answer = registrant.asked(server, described(site.origin, initiate_login_uri="http://rp.example/login"))
    refusals.answered(answer, METADATA)


@each(LINKS, DYNAMIC)
def test_links_for_the_traveller(visitor: Visitor, server: Server, site: Site, case: str) -> None:
    """What the traveller should be able to read before deciding is taken, and not shown."""
    uri = f"{site.origin}/{case}"
    client = registrant.register(server, site.origin, client_name="Shop of Links", **{case: uri})
    assert registrant.read(client)[case] == uri
    page = visitor.page_of(client.at.metadata["authorization_endpoint"], client.request().parameters)
    assert "Shop of Links" in page and f'href="{uri}"' in page


@module("userinfo-rs256", DYNAMIC)
def test_signed_userinfo(visitor: Visitor, server: Server, site: Site) -> None:
    """Userinfo that was to be signed and is not, or not for this client (Core §5.3.2)."""
    assert "RS256" in server.metadata["userinfo_signing_alg_values_supported"]
    client = registrant.register(server, site.origin, userinfo_signed_response_alg="RS256", **BY_KEY)
    request = client.request()
    tokens = client.tokens(client.redeem(client.code(client.arrived(visitor, request), request), request), request)
    answer = client.userinfo(tokens.access)
    assert answer.status == 200 and answer.headers["content-type"].split(";")[0] == "application/jwt"
    assert json.loads(jose.decode(answer.text.split(".")[0]))["alg"] == "RS256"
    claims = jose.verified(answer.text, server.signing_keys())
    assert claims["iss"] == server.issuer and claims["aud"] in (client.party.client_id, [client.party.client_id])
    assert claims["sub"] == tokens.claims["sub"] and "nonce" not in claims
