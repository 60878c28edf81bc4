"""A peer's old statement, years later: believed for what its key was then."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from idp.federation import historical_keys, peering, signing
from idp.federation.models import Peer
from idp.protocol import jws
from idp.protocol.historical_keys import HISTORICAL_KEYS, read
from idp.protocol.keys import generate
from idp.protocol.refusals import Reason, Refusal
from tests.conftest import NOW
from tests.federation.peers import Page, Peers

OLD = generate()
RETIRED = NOW - 1_000_000


@pytest.fixture
def peer(node: str, peers: Peers) -> Peer:
    """A peer that publishes one key of its past."""
    peers.cn.metadata["federation_entity"]["federation_historical_keys_endpoint"] = peers.url("cn", "/past")
    _publish(peers, reason="superseded")
    return peering.propose(peers.cn.entity_id)


def _publish(peers: Peers, *, reason: str, signer: Any = None) -> None:
    entry = {**OLD.public.jwk(), "exp": RETIRED, "revoked": {"revoked_at": RETIRED, "reason": reason}}
    claims = {"iss": peers.cn.entity_id, "iat": NOW, "keys": [entry]}
    text = jws.sign(HISTORICAL_KEYS, claims, signer or peers.cn.key)
    peers.pages[peers.url("cn", "/past")] = Page(historical_keys.MEDIA_TYPE, text)


def _old(peers: Peers, **claims: Any) -> str:
    return peers.cn.statement(peers.mo, signer=OLD, **{"iat": RETIRED - 60, "exp": RETIRED, **claims})


def _reason(text: str, peer: Peer) -> Reason:
    with pytest.raises(Refusal) as caught:
        historical_keys.verify_old(text, peer=peer, now=NOW)
    return caught.value.reason


def test_an_old_statement_is_verified_by_the_peers_past(peer: Peer, peers: Peers) -> None:
    verified = historical_keys.verify_old(_old(peers), peer=peer, now=NOW)
    assert verified.key.kid == OLD.kid
    assert _reason(_old(peers, iat=RETIRED), peer) is Reason.EXPIRED


def test_a_compromised_keys_statement_is_refused(peer: Peer, peers: Peers) -> None:
    """Negative case 24: invalid solely because of the reason."""
    _publish(peers, reason="compromised")
    assert _reason(_old(peers), peer) is Reason.REVOKED


def test_a_past_that_no_pinned_key_signed_counts_for_nothing(peer: Peer, peers: Peers) -> None:
    """Invalid solely because of who signed the history."""
    _publish(peers, reason="superseded", signer=generate())
    assert _reason(_old(peers), peer) is Reason.BAD_SIGNATURE


def test_another_entitys_statement_is_refused_under_whatever_key(peer: Peer, peers: Peers) -> None:
    for signer in (OLD, peers.cn.key):
        text = peers.cn.statement(peers.mo, signer=signer, iss=peers.mo.entity_id, sub="https://x.example")
        assert _reason(text, peer) is Reason.UNTRUSTED_ISSUER


def test_an_expired_statement_under_a_key_of_today_asks_nobody(peer: Peer, peers: Peers) -> None:
    text = peers.cn.statement(peers.mo, iat=NOW - 9000, exp=NOW - 8000)
    asked = len(peers.asked)
    assert historical_keys.verify_old(text, peer=peer, now=NOW).key.kid == peers.cn.key.kid
    assert len(peers.asked) == asked


def test_our_own_history_reads_as_others_read_it(node: str) -> None:
    first = signing.signer("federation").kid
    signing.activate_next(use="federation", now=NOW + 100, emergency=True)
    second = signing.signer("federation").kid
    signing.kill(kid=second, now=NOW + 200)
    text = historical_keys.published(NOW + 300)
    past = read(text, issuer=node, keys=signing.published("federation", now=NOW + 300), now=NOW + 300)
    assert (past.keys[first].until, past.keys[first].compromised) == (NOW + 100, False)
    assert past.keys[second].compromised


def test_a_key_that_was_withdrawn_early_is_missing_from_our_history_or_vouches_for_nothing(node: str) -> None:
    """It was not stolen: what it signed stays good, and when it was taken back is told."""
    kid = signing.signer("federation").kid
    signing.activate_next(use="federation", now=NOW + 100, emergency=True)
    signing.withdraw(kid=kid, now=NOW + 200)
    text = historical_keys.published(NOW + 300)
    past = read(text, issuer=node, keys=signing.published("federation", now=NOW + 300), now=NOW + 300)
    assert (past.keys[kid].until, past.keys[kid].compromised) == (NOW + 100, False)
    (entry,) = jws.parse_unverified(text, HISTORICAL_KEYS).claims["keys"]
    assert entry["revoked"] == {"revoked_at": NOW + 200, "reason": "superseded"}


def test_a_compromise_is_dated_when_the_key_stopped_signing_and_not_when_it_was_found(node: str) -> None:
    kid = signing.signer("federation").kid
    signing.activate_next(use="federation", now=NOW + 100, emergency=True)
    signing.kill(kid=kid, now=NOW + 200)
    (entry,) = jws.parse_unverified(historical_keys.published(NOW + 300), HISTORICAL_KEYS).claims["keys"]
    assert entry["exp"] == NOW + 100
    assert entry["revoked"] == {"revoked_at": NOW + 200, "reason": "compromised"}


def test_the_command_says_who_signed_and_refuses_aloud(
    peer: Peer, peers: Peers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "statement"
    file.write_text(_old(peers) + "\n")
    call_command("federation", "verify-old", peer.entity_id, str(file))
    assert f"signed by {OLD.kid}" in capsys.readouterr().out
    for bad in (_old(peers, iat=RETIRED), "x", "é"):
        file.write_text(bad)
        with pytest.raises(CommandError):
            call_command("federation", "verify-old", peer.entity_id, str(file))
    with pytest.raises(CommandError):
        call_command("federation", "verify-old", peer.entity_id, str(tmp_path / "none"))
