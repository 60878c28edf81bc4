"""Modules that wait: what `aging` began is looked at here, and the node's keys are changed at the very end."""

from dataclasses import replace

import pytest

from tests.conformance.browsing import Visitor
from tests.conformance.jose import generate
from tests.conformance_oidc import refusals
from tests.conformance_oidc.aging import Aged
from tests.conformance_oidc.node import Node
from tests.conformance_oidc.parties import Site
from tests.conformance_oidc.plans import CONVENTIONAL, DYNAMIC, FAPI, Plan, module
from tests.conformance_oidc.relying import Client

pytestmark = pytest.mark.e2e
CODE, REFERENCE, KEYS = 60, 90, 60  # seconds: lifetimes, and how often a client's keys are fetched
REUSE = 30


@module("codereuse-30seconds", *CONVENTIONAL)
def test_code_half_a_minute_later(plan: Plan, aged: Aged) -> None:
    """A code that serves twice, and an access token that outlives the theft."""
    aged.wait(REUSE)
    old = aged.codes[plan].get()
    assert old.tokens is not None and old.client.userinfo(old.tokens.access).status == 200
    refusals.answered(old.client.redeem(old.code, old.request), refusals.GRANT)
    assert old.client.userinfo(old.tokens.access).status == 401


@module("refresh-token-rp-key-rotation", DYNAMIC)
def test_new_key_of_a_client(aged: Aged, sites: dict[str, Site]) -> None:
    """A client that cannot change its key without registering anew."""
    (old, tokens), new = aged.rotating.get(), generate("RS256")
    sites["rp.localhost"].pages["/rotating"] = new.jwks
    aged.wait(KEYS)
    client = Client(replace(old.party, key=new), old.at)
    client.refreshed(tokens, tokens.body["refresh_token"])


@module("ensure-token-endpoint-fails-with-expired-auth-code", *FAPI)
def test_old_code(plan: Plan, aged: Aged) -> None:
    """A code that lives for longer than 60 seconds (FAPI 2.0 §5.3.2.1)."""
    aged.wait(CODE)
    old = aged.codes[plan].get()
    refusals.answered(old.client.redeem(old.code, old.request), refusals.GRANT)


@module("par-attempt-to-use-expired-request_uri", *FAPI)
def test_old_reference(plan: Plan, visitor: Visitor, aged: Aged) -> None:
    """A reference that lives for longer than it said."""
    aged.wait(REFERENCE)
    client, reference = aged.references[plan].get()
    refusals.shown(client.go(visitor, reference), ("invalid_request_uri",))


@module("server-rotate-keys", DYNAMIC)
def test_new_key_of_the_node(visitor: Visitor, node: Node, client: Client) -> None:
    """A key that signs and is not published, or one that goes while its tokens live. The last test."""
    before = {key["kid"] for key in client.at.signing_keys()}
    tokens = client.flow(visitor)
    node.manage("federation", "key", "activate", "--use", "oidc", "--algorithm", "RS256", "--emergency")
    after = {key["kid"] for key in client.at.signing_keys()}
    assert after - before and before <= after
    client.id_token(tokens.body["id_token"], tokens.access)
    client.flow(visitor)
