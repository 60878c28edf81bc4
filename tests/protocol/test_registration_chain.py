"""Chains that begin with a request to register: good for registering there, and for nothing else (row 30)."""

from typing import Any

import pytest

from idp.protocol import trust_chain
from idp.protocol.refusals import Reason, Refusal
from tests.simulators.federation import REMOVE, AuthoritySimulator, Federation

NOW = 1_800_000_000
PROVIDER = "https://op.example"


def world() -> tuple[Federation, AuthoritySimulator, AuthoritySimulator]:
    federation = Federation(NOW)
    anchor = federation.authority("https://ta.example")
    rp = federation.authority("https://rp.example", openid_relying_party={"client_name": "published"})
    anchor.recognise(rp, metadata_policy={"openid_relying_party": {"scope": {"value": "openid"}}})
    return federation, anchor, rp


def verify(anchor: AuthoritySimulator, texts: list[str], audience: str | None = PROVIDER) -> trust_chain.TrustChain:
    anchors = {anchor.entity_id: anchor.keys}
    return trust_chain.verify_chain(texts, anchors=anchors, now=NOW, registration_audience=audience)


def test_what_was_posted_is_resolved_under_the_superiors_policy() -> None:
    """The metadata of the request count, and the policy is applied to them (§12.2.2)."""
    _, anchor, rp = world()
    header = {"trust_chain": ["x"], "peer_trust_chain": ["y"]}  # the request alone may carry them
    posted = rp.configuration(header=header, aud=PROVIDER, metadata={"openid_relying_party": {"client_name": "mine"}})
    chain = verify(anchor, [posted, anchor.statement(rp), anchor.configuration()])
    assert chain.entity("openid_relying_party") == {"client_name": "mine", "scope": "openid"}
    assert chain.path == (rp.entity_id, anchor.entity_id)


@pytest.mark.parametrize("aud", [REMOVE, "https://b.example", [PROVIDER], [PROVIDER, "https://b.example"]])
def test_request_for_another_provider_is_refused(aud: Any) -> None:
    """invalid solely because aud is not this provider alone."""
    _, anchor, rp = world()
    with pytest.raises(Refusal) as caught:
        verify(anchor, [rp.configuration(aud=aud), anchor.statement(rp)])
    assert caught.value.reason in (Reason.MALFORMED, Reason.WRONG_AUDIENCE)


def test_request_is_no_configuration() -> None:
    """invalid solely because the chain is not for registering: aud and the headers have no place in it."""
    _, anchor, rp = world()
    for posted in (rp.configuration(aud=PROVIDER), rp.configuration(header={"trust_chain": ["x"]})):
        with pytest.raises(Refusal) as caught:
            verify(anchor, [posted, anchor.statement(rp)], None)
        assert caught.value.reason is Reason.MALFORMED


def test_key_that_the_superior_does_not_state_is_refused() -> None:
    """invalid solely because whoever posted made the keys up: the statement above has others."""
    federation, anchor, rp = world()
    thief = AuthoritySimulator(rp.entity_id, federation=federation)
    thief.hints = list(rp.hints)
    statement = anchor.statement(rp, jwks=rp.keys.jwks())
    with pytest.raises(Refusal) as caught:
        verify(anchor, [thief.configuration(aud=PROVIDER), statement])
    assert caught.value.reason is Reason.BAD_SIGNATURE
