"""A relying party below Hong Kong lets a resident of Macau log in with Macau, by trust chain: live nodes of its own.

The nodes are not those of the other tests, because recognition is suspended and ended here.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

import pytest

from idp.demo.authenticator import Authenticator
from tests.conformance import flows, jose, wire
from tests.conformance.browsing import Visitor, codes
from tests.conformance.flows import Provider
from tests.conformance.nodes import Nodes
from tests.conformance.relying_parties import WELL_KNOWN, RelyingParty, Street

pytestmark = pytest.mark.e2e
PERSONAL = ("accounts_account", "accounts_traveller", "django_session", "oidc_pushedrequest", "oidc_grant")

_COUNT = 'SELECT count(*) FROM "{}"'


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Hong Kong and Macau, who recognise each other."""
    made = Nodes(tmp_path_factory.mktemp("across"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def shop(two: Nodes, parties: Street) -> RelyingParty:
    """A relying party below Hong Kong that knows no provider but by trust chain."""
    made = parties.open("shop", superior=two.hk, provider=two.mo)
    made.initiate_login_uri = f"{made.entity_id}/login"
    two.vouch_for(made.entity_id, made.federation_key.jwks)
    return made


@pytest.fixture(scope="module")
def resident(two: Nodes) -> Visitor:
    """A traveller of Macau with a passkey, unknown in Hong Kong."""
    made = Visitor(two.mo, Authenticator(two.mo))
    made.register("specimen-resident")
    return made


def test_resident_of_macau_logs_in_at_home(two: Nodes, shop: RelyingParty, resident: Visitor) -> None:
    """A login that needs an account on the relying party's side, or that leaves something of the person there."""
    choices = chooser(two.hk, shop)
    assert choices == [two.hk, two.mo]
    before = rows(two, "hk")
    home = believed(two, shop, choices[1])
    claims = login(shop, home, resident)
    assert claims["iss"] == two.mo and claims["aud"] in (shop.entity_id, [shop.entity_id])
    assert "specimen" not in str(claims) and len(claims["sub"]) == 43
    assert rows(two, "hk") == before
    assert [before[name] for name in PERSONAL] == [0] * len(PERSONAL)


def test_subject_is_of_this_relying_party_alone(
    two: Nodes, shop: RelyingParty, parties: Street, resident: Visitor
) -> None:
    """A subject that two relying parties could compare; and one that changes, so that nobody is known again."""
    other = parties.open("bank", superior=two.hk, provider=two.mo)
    two.vouch_for(other.entity_id, other.federation_key.jwks)
    home = flows.provider(two.mo)
    assert login(shop, home, resident)["sub"] == login(shop, home, resident)["sub"]
    assert login(shop, home, resident)["sub"] != login(other, home, resident)["sub"]


def test_hong_kong_suspends_macau(two: Nodes, shop: RelyingParty) -> None:
    """A suspended authority that is still offered, or still vouched for, until something expires."""
    two.manage("hk", "federation", "suspend", two.mo)
    try:
        assert chooser(two.hk, shop) == [two.hk]
        with pytest.raises(NotBelieved, match="404"):
            believed(two, shop, two.mo)
    finally:
        two.manage("hk", "federation", "resume", two.mo)
    assert chooser(two.hk, shop) == [two.hk, two.mo]
    assert believed(two, shop, two.mo).entity_id == two.mo


def test_macau_ends_its_recognition_of_hong_kong(two: Nodes, shop: RelyingParty, resident: Visitor) -> None:
    """A relying party that is still let in by a chain whose middle is gone. The last test: ending is for good."""
    home = flows.provider(two.mo)
    login(shop, home, resident)
    two.manage("mo", "federation", "end", two.hk)
    claims = shop.request()
    form = {"request": shop.signed(claims), **shop.authentication()}
    answer = wire.post(home.metadata["pushed_authorization_request_endpoint"], form)
    assert (answer.status, answer.json()["error"]) == (404, "invalid_trust_anchor")
    arrival = resident.arrive("GET", home.metadata["authorization_endpoint"], flows.by_value(claims, form["request"]))
    assert arrival.callback is None and codes(arrival.page) == ["invalid_client"]


class NotBelieved(AssertionError):
    """The relying party finds no chain from the provider to its own anchor."""


def believed(two: Nodes, shop: RelyingParty, issuer: str) -> Provider:
    """The provider, by a chain of three documents to the relying party's one anchor: it takes no intermediate."""
    own, anchor = wire.get(issuer + WELL_KNOWN).text, two.anchors[shop.superior]
    fetch = jose.claims(wire.get(shop.superior + WELL_KNOWN).text)["metadata"]["federation_entity"]
    answer = wire.get(fetch["federation_fetch_endpoint"], sub=issuer)
    if answer.status != 200:
        raise NotBelieved(f"{answer.status} {answer.text}")
    statement = jose.verified(answer.text, list(anchor["keys"]))
    assert (statement["iss"], statement["sub"]) == (shop.superior, issuer)
    jose.verified(own, statement["jwks"]["keys"])
    assert "openid_provider" in statement["constraints"]["allowed_entity_types"]
    return flows.provider(issuer)


def login(party: RelyingParty, home: Provider, resident: Visitor) -> dict[str, object]:
    """The way of a login at ``home``; the ID token's claims."""
    claims = party.request()
    parameters = flows.by_value(claims, party.signed(claims))
    arrival = resident.arrive("GET", home.metadata["authorization_endpoint"], parameters)
    return flows.redeemed(party, home, flows.code_of(arrival, party, home))


def chooser(node: str, party: RelyingParty) -> list[str]:
    """The issuers that the page offers; each link goes to the relying party's own address."""
    page = wire.get(f"{node}/oidc/authorities", client_id=party.entity_id)
    assert page.status == 200, page.text
    found = []
    for link in _links(page.text):
        if link.startswith(f"{party.initiate_login_uri}?"):
            found.append(dict(parse_qsl(urlsplit(link).query))["iss"])
    return found


def rows(two: Nodes, code: str) -> dict[str, int]:
    """How many rows each table of a node has."""
    with closing(sqlite3.connect(two.database(code))) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: database.execute(_COUNT.format(name)).fetchone()[0] for name in tables}


def _links(page: str) -> list[str]:
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            found.extend(unescape(value) for name, value in attributes if tag == "a" and name == "href" and value)

    Reader().feed(page)
    return found
