"""Modules that wait: what `aging` began is looked at here, and the node's keys are changed at the very end."""

from dataclasses import replace

import pytest

from tests.conformance.browsing import Visitor
from tests.conformance.jose import generate
from tests.conformance.modules import module
from tests.conformance_oidc import refusals
from tests.conformance_oidc.aging import Aged
from tests.conformance_oidc.node import Node
from tests.conformance_oidc.parties import Site
from tests.conformance_oidc.plans import FAPI, OPENID
from tests.conformance_oidc.relying import Client

pytestmark = pytest.mark.e2e
CODE, REFERENCE, KEYS = 60, 90, 60  # seconds: lifetimes, and how often a client's keys are fetched


@module(OPENID + "refresh-token-rp-key-rotation")
def test_new_key_of_a_client(aged: Aged, sites: dict[str, Site]) -> None:
    """A client that cannot change its key without registering anew."""
    party = aged.rotating.party
    new = generate("ES256")
    sites["rp.localhost"].pages["/rotating"] = new.jwks
    aged.wait(KEYS)
    client = Client(replace(party, key=new), aged.rotating.at)
    answer = client.refresh(aged.rotating_tokens.body["refresh_token"])
    assert answer.status == 200, answer.text


@module(FAPI + "ensure-token-endpoint-fails-with-expired-auth-code")
def test_old_code(aged: Aged) -> None:
    """A code that lives for longer than 60 seconds (FAPI 2.0 §5.3.2.1)."""
    aged.wait(CODE)
    refusals.answered(aged.border.redeem(aged.code, aged.request), refusals.GRANT)


@module(FAPI + "par-attempt-to-use-expired-request_uri")
def test_old_reference(visitor: Visitor, aged: Aged) -> None:
    """A reference that lives for longer than it said."""
    aged.wait(REFERENCE)
    refusals.shown(aged.border.go(visitor, aged.reference), ("invalid_request_uri",))


@module(OPENID + "server-rotate-keys")
def test_new_key_of_the_node(visitor: Visitor, node: Node, basic: Client) -> None:
    """A key that signs and is not published, or one that goes while its tokens live. The last test."""
    before = {key["kid"] for key in basic.at.signing_keys()}
    tokens = basic.flow(visitor)
    node.manage("federation", "key", "activate", "--use", "oidc", "--algorithm", "RS256", "--emergency")
    after = {key["kid"] for key in basic.at.signing_keys()}
    assert after - before and before <= after
    basic.id_token(tokens.body["id_token"], tokens.access)
    basic.flow(visitor)
