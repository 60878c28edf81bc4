"""What a peer takes away from its keys counts at once, what it adds waits (decision 0013)."""

import pytest

from idp.audit.models import AuditEvent
from idp.federation import peering, resolution, statements
from idp.federation.models import ChainCache, Peer
from idp.protocol import jws, keys
from idp.protocol.entity_statements import ENTITY_STATEMENT
from idp.protocol.keys import KeySet, PrivateKey
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Peers

A, B, C, D = (keys.generate() for _ in range(4))
NAMES = {key.public.thumbprint: name for key, name in ((A, "A"), (B, "B"), (C, "C"), (D, "D"))}


@pytest.fixture
def cn(node: str, peers: Peers) -> Peer:
    """The mainland, recognised with the keys A, active, and B, next."""
    _offers(peers, "AB")
    return peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)


def _offers(peers: Peers, names: str, *, signer: PrivateKey = A) -> None:
    of = {"A": A, "B": B, "C": C, "D": D}
    peers.cn.key = signer
    peers.cn.configuration_claims["jwks"] = KeySet([of[name].public for name in names]).jwks()


def _observed(peers: Peers, peer: Peer, now: int = NOW) -> tuple[str, str]:
    """The pinned keys and those that wait, after a look at the peer."""
    peers.federation.now = now
    peering.observe(peer, peering.fetch_configuration(peer.entity_id, now=now), now=now)
    stored = Peer.objects.get()
    assert (stored.jwks, stored.successor_jwks) == (peer.jwks, peer.successor_jwks), "the caller's row is up to date"
    return _named(stored.jwks), _named(stored.successor_jwks or {"keys": []})


def _named(jwks: dict[str, list[dict[str, str]]]) -> str:
    return "".join(sorted(NAMES[keys.thumbprint(jwk)] for jwk in jwks["keys"]))


@pytest.mark.parametrize(
    ("offered", "signer", "pinned", "waiting"),
    [
        ("AB", A, "AB", ""),
        ("A", A, "A", ""),  # a subset, by a key that stays
        ("B", B, "B", ""),  # the active one was killed
        ("BC", B, "B", "BC"),  # mixed: the removal at once
        ("ABC", A, "AB", "ABC"),  # only more
        ("BC", C, "AB", ""),  # by a key that is not pinned: nothing
        ("C", C, "AB", ""),
    ],
)
def test_removals_count_at_once_and_additions_wait(
    cn: Peer, peers: Peers, offered: str, signer: PrivateKey, pinned: str, waiting: str
) -> None:
    _offers(peers, offered, signer=signer)
    assert _observed(peers, cn) == (pinned, waiting)


def test_a_withdrawal_is_audited_with_the_keys_that_went(cn: Peer, peers: Peers) -> None:
    _offers(peers, "B", signer=B)
    _observed(peers, cn)
    event = AuditEvent.objects.get(kind="federation.peer.keys_withdrawn")
    assert event.data["withdrawn"] == [A.public.thumbprint]
    assert event.data["fingerprint"] == peering.fingerprint(cn.jwks)


def test_a_withdrawn_key_is_out_of_our_statement_and_no_chain_of_before_serves(cn: Peer, peers: Peers) -> None:
    resolution.resolve(cn.entity_id, now=NOW, immediate=True)
    assert ChainCache.objects.exists()
    _offers(peers, "B", signer=B)
    _observed(peers, cn)
    assert not ChainCache.objects.exists()
    stated = jws.parse_unverified(statements.subordinate_statement(cn.entity_id, NOW), ENTITY_STATEMENT).claims
    assert _named(stated["jwks"]) == "B"


def test_a_withdrawn_key_that_comes_back_waits_like_any_other(cn: Peer, peers: Peers) -> None:
    """Invalid solely because it was withdrawn before: a thief offers it again."""
    _offers(peers, "B", signer=B)
    _observed(peers, cn)
    _offers(peers, "AB", signer=B)
    assert _observed(peers, cn, NOW + 60) == ("B", "AB")
    _offers(peers, "AB", signer=A)
    assert _observed(peers, cn, NOW + 120) == ("B", "AB"), "signed by the withdrawn one: nothing"


def test_a_key_that_waits_is_not_set_back_by_a_removal(cn: Peer, peers: Peers) -> None:
    """An old key ends four days after the roll-over: the next one must not start its week again for that."""
    _offers(peers, "ABC", signer=B)
    _observed(peers, cn)
    _offers(peers, "BC", signer=B)
    assert _observed(peers, cn, NOW + 4 * 86_400) == ("B", "BC")
    assert _observed(peers, cn, NOW + peering.PIN_AFTER - 1) == ("B", "BC")
    assert _observed(peers, cn, NOW + peering.PIN_AFTER) == ("BC", "")


def test_a_further_new_key_makes_all_new_ones_wait_anew(cn: Peer, peers: Peers) -> None:
    _offers(peers, "ABC")
    _observed(peers, cn)
    _offers(peers, "ABCD")
    assert _observed(peers, cn, NOW + 6 * 86_400) == ("AB", "ABCD")
    assert _observed(peers, cn, NOW + peering.PIN_AFTER) == ("AB", "ABCD")
    assert _observed(peers, cn, NOW + 6 * 86_400 + peering.PIN_AFTER) == ("ABCD", "")


def test_a_waiting_key_that_was_taken_back_is_not_pinned_by_an_officer(cn: Peer, peers: Peers) -> None:
    """The officer approves what was offered last, not what was offered first."""
    _offers(peers, "ABCD")
    _observed(peers, cn)
    _offers(peers, "BC", signer=B)
    _observed(peers, cn, NOW + 60)
    assert _named(peering.approve_successor(cn, officer=OFFICER).jwks) == "BC"


def test_a_look_that_comes_after_the_end_changes_nothing(cn: Peer, peers: Peers) -> None:
    _offers(peers, "B", signer=B)
    configuration = peering.fetch_configuration(cn.entity_id, now=NOW)
    peering.end(cn, officer=OFFICER)
    peering.observe(cn, configuration, now=NOW)
    assert _named(Peer.objects.get().jwks) == "AB"
