"""The plans for dynamic registration and third-party login: under their names, accepting the same errors."""

import pytest

from tests.conformance.browsing import Visitor
from tests.conformance.modules import module
from tests.conformance_oidc import refusals, registrant
from tests.conformance_oidc.parties import Site, described
from tests.conformance_oidc.plans import OPENID
from tests.conformance_oidc.relying import Server

pytestmark = pytest.mark.e2e
METADATA = ("invalid_client_metadata",)
BY_KEY = {"token_endpoint_auth_method": "private_key_jwt"}


@pytest.fixture
def site(sites: dict[str, Site]) -> Site:
    return sites["rp.localhost"]


@module(OPENID + "idtoken-rs256")
def test_rs256(visitor: Visitor, server: Server, site: Site) -> None:
    """An algorithm that was asked for and not used."""
    registrant.register(server, site.origin, id_token_signed_response_alg="RS256", **BY_KEY).flow(visitor)


@module(OPENID + "idtoken-unsigned")
def test_unsigned_id_token(server: Server, site: Site) -> None:
    """An ID token that anybody can make: discovery does not offer it, and nobody can register for it."""
    assert "none" not in server.metadata["id_token_signing_alg_values_supported"]
    answer = registrant.asked(server, described(site.origin, id_token_signed_response_alg="none"))
    refusals.answered(answer, METADATA)


@module(OPENID + "ensure-client-assertion-with-iss-aud-succeeds")
def test_issuer_as_audience(visitor: Visitor, server: Server, site: Site) -> None:
    """An assertion for the issuer, which is what one should be for."""
    registrant.register(server, site.origin, **BY_KEY).flow(visitor)


@module(OPENID + "ensure-redirect-uri-in-authorization-request")
def test_no_redirect_uri(visitor: Visitor, server: Server, site: Site) -> None:
    """A redirect URI that is guessed."""
    two = [f"{site.origin}/callback", f"{site.origin}/callback2"]
    client = registrant.register(server, site.origin, redirect_uris=two)
    refusals.shown(client.arrived(visitor, client.request(redirect_uri=None)), refusals.REQUEST)
    client.flow(visitor, redirect_uri=two[1])


@module(OPENID + "redirect-uri-query-OK")
def test_redirect_uri_with_query(visitor: Visitor, server: Server, site: Site) -> None:
    """A query of the client's that is lost on the way (RFC 6749 §3.1.2)."""
    uri = f"{site.origin}/callback?foo=bar"
    client = registrant.register(server, site.origin, redirect_uris=[uri])
    request = client.request()
    arrival = client.arrived(visitor, request)
    assert arrival.parameters["foo"] == "bar"
    client.tokens(client.redeem(client.code(arrival, request), request), request)


@pytest.mark.parametrize(
    ("own", "sent"),
    [
        pytest.param("?foo=bar", "?bar=foo", marks=module(OPENID + "redirect-uri-query-mismatch")),
        pytest.param("", "?foo=bar", marks=module(OPENID + "redirect-uri-query-added")),
    ],
)
def test_redirect_uri_with_another_query(visitor: Visitor, server: Server, site: Site, own: str, sent: str) -> None:
    """A redirect URI that is compared without its query."""
    uri = f"{site.origin}/callback"
    client = registrant.register(server, site.origin, redirect_uris=[uri + own])
    refusals.shown(client.arrived(visitor, client.request(redirect_uri=uri + sent)), refusals.REQUEST)


@module(OPENID + "redirect-uri-regfrag")
def test_redirect_uri_with_fragment(server: Server, site: Site) -> None:
    """A fragment, behind which parameters would be hidden (RFC 6749 §3.1.2)."""
    answer = registrant.asked(server, described(site.origin, redirect_uris=[f"{site.origin}/callback#foobar"]))
    refusals.answered(answer, ("invalid_redirect_uri", *METADATA))


@module(OPENID + "registration-jwks-uri")
def test_keys_by_reference(visitor: Visitor, server: Server, site: Site) -> None:
    """Keys behind an address that is not asked."""
    client = registrant.register(server, site.origin, jwks_uri=f"{site.origin}/jwks", **BY_KEY)
    site.pages["/jwks"] = client.party.key.jwks
    client.flow(visitor)
    assert "/jwks" in site.asked


@module(OPENID + "registration-sector-uri")
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


@module(OPENID + "registration-sector-bad")
def test_sector_of_another(server: Server, site: Site) -> None:
    """A client that takes a neighbour's subjects by naming the neighbour's sector."""
    site.pages["/empty.json"] = []
    answer = registrant.asked(server, described(site.origin, sector_identifier_uri=f"{site.origin}/empty.json"))
    refusals.answered(answer, METADATA)


@module(OPENID + "3rd_party-init-login")
def test_initiate_login_uri(server: Server, site: Site) -> None:
    """A member that is taken and forgotten."""
    uri = f"{site.origin}/login"
    client = registrant.register(server, site.origin, initiate_login_uri=uri)
    assert client.party.metadata["initiate_login_uri"] == uri
    assert registrant.read(client)["initiate_login_uri"] == uri


@module(OPENID + "3rd_party-init-login-nohttps")
def test_initiate_login_uri_without_tls(server: Server, site: Site) -> None:
    """An address whose answer anybody on the way could write."""
    answer = registrant.asked(server, described(site.origin, initiate_login_uri="http://rp.example/login"))
    refusals.answered(answer, METADATA)


@pytest.mark.parametrize(
    "member",
    [pytest.param(f"{name}_uri", marks=module(f"{OPENID}registration-{name}-uri")) for name in ("logo",)],
)
def test_addresses_for_the_traveller(visitor: Visitor, server: Server, site: Site, member: str) -> None:
    """What the traveller should see before deciding is taken and not shown.

    No picture of others is loaded by the node's pages, which would tell them who looks: a logo is only kept.
    """
    uri = f"{site.origin}/{member}"
    client = registrant.register(server, site.origin, client_name="Shop of Logos", **{member: uri})
    assert registrant.read(client)[member] == uri
    request = client.request()
    page = visitor.page_of(client.at.metadata["authorization_endpoint"], request.parameters)
    assert "Shop of Logos" in page
    assert (uri in page) == (member != "logo_uri")
    client.flow(visitor)
