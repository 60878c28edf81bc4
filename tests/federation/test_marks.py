import pytest
from django.db import IntegrityError, transaction

from idp.federation import marks, peering, signing
from idp.federation.marks import UnableToMark
from idp.federation.models import IssuedMark, Peer
from idp.protocol import jws
from idp.protocol.refusals import Refusal
from idp.protocol.trust_marks import TRUST_MARK, verify_trust_mark
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Peers


@pytest.fixture
def peer(peers: Peers) -> Peer:
    return peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)


def _mark(node: str, peer: Peer, now: int = NOW) -> str:
    return marks.issued(mark_type=marks.border_issuer(node), subject=peer.entity_id, now=now)


def _status(text: str, now: int = NOW) -> str:
    answer = jws.verify(marks.status(text, now), marks.STATUS_RESPONSE, signing.published("federation"), now=now)
    assert answer.claims["trust_mark"] == text
    return str(answer.claims["status"])


def test_recognition_gives_the_mark_and_it_verifies(node: str, peer: Peer) -> None:
    verified = verify_trust_mark(
        _mark(node, peer),
        holder=peer.entity_id,
        mark_type=f"{node}/trust-marks/border-issuer",
        issuer_keys=signing.published("federation"),
        issuer=node,
        now=NOW,
    )
    assert verified.exp == NOW + 3 * 86_400


def test_a_mark_is_signed_again_when_half_worn_and_not_before(node: str, peer: Peer) -> None:
    first = _mark(node, peer)
    assert _mark(node, peer, NOW + marks.RENEW_AFTER - 1) == first
    assert _mark(node, peer, NOW + marks.RENEW_AFTER) != first


@pytest.mark.parametrize("step", ["suspend", "end"])
def test_a_mark_is_gone_when_recognition_is_and_its_copies_are_revoked(node: str, peer: Peer, step: str) -> None:
    text = _mark(node, peer)
    assert _status(text) == "active"
    getattr(peering, step)(peer, officer=OFFICER)
    with pytest.raises(UnableToMark):
        _mark(node, peer)
    assert _status(text) == "revoked"
    assert marks.marked(mark_type=marks.border_issuer(node), now=NOW) == []


def test_a_mark_of_an_ended_recognition_stays_revoked_in_the_next(node: str, peer: Peer, peers: Peers) -> None:
    """Invalid solely because it was given before recognition ended and began anew."""
    old = _mark(node, peer, NOW - 100)
    peering.end(peer, officer=OFFICER)
    peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    assert _status(old) == "revoked"
    assert _status(_mark(node, peer)) == "active"


def test_an_expired_mark_says_so(node: str, peer: Peer) -> None:
    text = _mark(node, peer)
    assert _status(text, NOW + marks.LIFETIME + 60) == "expired"


def test_a_mark_under_our_name_and_anothers_signature_is_invalid(node: str, peer: Peer, peers: Peers) -> None:
    """Invalid solely because of the signature."""
    forged = peers.mo.mark(peer.entity_id, marks.border_issuer(node), iss=node)
    assert _status(forged) == "invalid"


def test_a_mark_never_given_is_unknown(node: str, peer: Peer, peers: Peers) -> None:
    """Negative case 20: unknown marks are 404, whoever signed them."""
    key = signing.private_key("federation")
    base = {"iss": node, "sub": peer.entity_id, "trust_mark_type": marks.border_issuer(node), "iat": NOW}
    for change in (
        {"sub": peers.mo.entity_id},
        {"trust_mark_type": "https://x.example/m"},
        {"iss": peers.mo.entity_id},
    ):
        with pytest.raises(UnableToMark):
            marks.status(jws.sign(TRUST_MARK, {**base, **change}, key), NOW)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "e30.e30.e30"])
def test_what_is_no_mark_is_refused(node: str, text: str) -> None:
    """Invalid solely because it is not a signed mark (negative case 20)."""
    with pytest.raises(Refusal):
        marks.status(text, NOW)


def test_an_unsigned_mark_is_refused(node: str, peer: Peer) -> None:
    """Invalid solely because alg is none (negative case 20)."""
    _, body, _ = _mark(node, peer).split(".")
    header = jws.strict_json.b64encode(b'{"alg":"none","typ":"trust-mark+jwt","kid":"x"}')
    with pytest.raises(Refusal):
        marks.status(f"{header}.{body}.", NOW)


def test_who_holds_the_mark_can_be_listed(node: str, peer: Peer, peers: Peers) -> None:
    border = marks.border_issuer(node)
    assert marks.marked(mark_type=border, now=NOW) == [peer.entity_id]
    assert marks.marked(mark_type=border, subject=peers.mo.entity_id, now=NOW) == []
    with pytest.raises(UnableToMark):
        marks.marked(mark_type="https://x.example/m", now=NOW)


def test_a_second_standing_mark_is_refused_by_the_database(node: str, peer: Peer) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        IssuedMark.objects.create(subject=peer.entity_id, peer=peer, mark_type=marks.border_issuer(node), issued_at=NOW)
