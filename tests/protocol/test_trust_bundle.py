"""The trust bundle: the pinned anchor's, for this checkpoint, never an older one; one bad peer closes no gate."""

import contextlib
import json
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import jws
from idp.protocol.keys import KeySet, parse_jwks
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.status_list import StatusList, sign_status_list
from idp.protocol.strict_json import b64encode, dumps
from idp.protocol.trust_bundle import BUNDLE_KEYS, TRUST_BUNDLE, TrustBundle, load_bundle, sign_bundle, sign_bundle_keys
from tests.simulators.gate import (
    CHECKPOINT,
    CN,
    HK,
    MO,
    NOW,
    GateSimulator,
    border_key,
    bundle_key,
    federation_key,
    key,
    status_key,
)

WORLD = GateSimulator(list_size=64)
PINNED = KeySet([federation_key(HK).public])


@lru_cache(maxsize=1)
def sound() -> bytes:
    return WORLD.wire()


def load(wire: bytes | str, **changes: Any) -> TrustBundle:
    options: dict[str, Any] = {"pinned": PINNED, "anchor": HK, "checkpoint": CHECKPOINT, "now": NOW}
    return load_bundle(wire, **{**options, **changes})


def reason_of(wire: bytes | str, **changes: Any) -> Reason:
    with pytest.raises(Refusal) as caught:
        load(wire, **changes)
    return caught.value.reason


def keys_text(**changes: Any) -> str:
    options: dict[str, Any] = {"entity_id": HK, "signer": federation_key(HK), "now": NOW}
    return sign_bundle_keys(KeySet([bundle_key().public]), **{**options, **changes})


def wired(keys: str, bundle: str) -> bytes:
    return dumps({"keys": keys, "bundle": bundle})


def parts() -> tuple[str, str]:
    members = json.loads(sound())
    return members["keys"], members["bundle"]


def left_out(bundle: TrustBundle) -> dict[str, Reason]:
    return {item.part: item.reason for item in bundle.left_out}


def test_sound_bundle_is_read_whole() -> None:
    """A verifier that refuses everything would pass all the others."""
    bundle = load(sound())
    assert bundle.left_out == ()
    assert set(bundle.issuers) == {HK, CN, MO}
    assert (bundle.serial, bundle.issued_at, bundle.expires_at) == (7, NOW, NOW + 86_400)
    mainland = bundle.issuer(CN, now=NOW)
    assert mainland.jurisdiction == "CHN"
    assert mainland.keys.find(border_key(CN).kid) is not None
    assert mainland.status_lists[WORLD.status_uri(CN)].get(63) == 0


def test_bundle_keys_must_be_signed_by_the_pinned_key() -> None:
    """invalid solely because the key set is signed by a key that the gate has not pinned."""
    _, bundle = parts()
    assert reason_of(wired(keys_text(signer=key("a stranger's")), bundle)) is Reason.BAD_SIGNATURE


def test_key_set_of_another_entity_is_refused() -> None:
    """invalid solely because the pinned key signed the key set of another entity."""
    _, bundle = parts()
    assert reason_of(wired(keys_text(entity_id=CN), bundle)) is Reason.UNTRUSTED_ISSUER


def test_key_set_that_expired_is_refused() -> None:
    """invalid solely because the key set is past its end: a bundle key that was withdrawn must die."""
    _, bundle = parts()
    assert reason_of(wired(keys_text(now=NOW - 200, lifetime=100), bundle)) is Reason.EXPIRED


@pytest.mark.parametrize("signer", ["federation", "border", "stranger"])
def test_bundle_must_be_signed_by_a_bundle_key(signer: str) -> None:
    """invalid solely because a key of another use signed the bundle (rule 9: separate keys)."""
    used = {"federation": federation_key(HK), "border": border_key(HK), "stranger": key("a stranger's")}[signer]
    assert reason_of(wired(parts()[0], sign_bundle(WORLD.claims(), used))) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": CN}, Reason.UNTRUSTED_ISSUER),
        ({"aud": f"{HK}/checkpoints/other"}, Reason.WRONG_AUDIENCE),
        ({"aud": [CHECKPOINT]}, Reason.WRONG_AUDIENCE),
        ({"exp": NOW - 10}, Reason.EXPIRED),
        ({"iat": NOW + 11}, Reason.NOT_YET_VALID),
        ({"serial": "7"}, Reason.MALFORMED),
        ({"serial": -1}, Reason.MALFORMED),
        ({"issuers": {}}, Reason.MALFORMED),
        ({"issuers": [{}] * 65}, Reason.MALFORMED),
        ({"checkpoint": None}, Reason.MALFORMED),
        ({"policy": {}}, Reason.MALFORMED),
        ({"rules": {}}, Reason.MALFORMED),
        ({"rules": [{}]}, Reason.MALFORMED),
        ({"opening": None}, Reason.MALFORMED),
        ({"watchlist": []}, Reason.MALFORMED),
        ({"watchlist": {"version": 2, "count": 1, "sha256": "x"}}, Reason.MALFORMED),
        ({"watchlist": {"version": 1, "count": 1, "sha256": "x"}}, Reason.TRUST_STALE),
        ({"anchor_configuration": ""}, Reason.MALFORMED),
    ],
    ids=str,
)
def test_bundle_with_a_wrong_claim_is_refused(changes: dict[str, Any], reason: Reason) -> None:
    """invalid solely because of the claim named."""
    assert reason_of(WORLD.wire(**changes)) is reason


def test_configuration_of_another_anchor_is_refused() -> None:
    """invalid solely because the anchor's configuration is a peer's, signed by its own key."""
    assert reason_of(WORLD.wire(anchor_configuration=WORLD.configuration(CN))) is Reason.UNTRUSTED_ISSUER


def test_configuration_by_a_key_that_is_not_pinned_is_refused() -> None:
    """invalid solely because the anchor's configuration is self-signed by a stranger: its own keys prove nothing."""
    stranger = key("a stranger's")
    claims = jws.parse_unverified(WORLD.configuration(HK), jws.TokenType(None, any_typ=True)).claims
    claims["jwks"] = KeySet([stranger.public]).jwks()
    forged = jws.sign(jws.TokenType("entity-statement+jwt"), claims, stranger)
    assert reason_of(WORLD.wire(anchor_configuration=forged)) is Reason.BAD_SIGNATURE


def test_lower_serial_is_never_taken() -> None:
    """invalid solely because a later bundle was seen: a replayed one would undo a revocation."""
    assert reason_of(sound(), min_serial=8) is Reason.TRUST_STALE
    assert load(sound(), min_serial=7).serial == 7


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"keys":"x"}', '{"keys":"x","bundle":"y","more":1}', "\ud800"])
def test_response_that_is_not_one_is_refused(text: str) -> None:
    """invalid solely because it does not have exactly its two members."""
    assert reason_of(text) is Reason.MALFORMED


def test_types_cannot_be_exchanged() -> None:
    """invalid solely because the key set stands where the bundle belongs, and the reverse."""
    keys, bundle = parts()
    assert reason_of(wired(bundle[: BUNDLE_KEYS.max_bytes], keys)) is Reason.MALFORMED
    assert reason_of(wired(keys, keys)) is Reason.MALFORMED


# --- a part that fails is left out with its reason, and the others stay ------------------------------------------


def damaged(**changes: Any) -> TrustBundle:
    return GateSimulator(list_size=64, **changes).load()


def refused(bundle: TrustBundle, entity_id: str) -> Reason:
    with pytest.raises(Refusal) as caught:
        bundle.issuer(entity_id, now=NOW)
    return caught.value.reason


def test_peer_without_mark_is_left_out_alone() -> None:
    """invalid solely because the mainland has no border issuer's mark; Macau must still pass."""
    bundle = damaged(unmarked=frozenset({CN}))
    assert left_out(bundle) == {CN: Reason.POLICY_VIOLATION}
    assert refused(bundle, CN) is Reason.POLICY_VIOLATION
    assert bundle.issuer(MO, now=NOW).entity_id == MO


def test_anchor_needs_no_mark_of_its_own() -> None:
    """protocol.md, Entities: an authority's own gates accept their anchor with the one-statement chain."""
    assert HK in damaged(issuers=(HK,)).issuers


def test_peer_of_a_peer_is_left_out() -> None:
    """invalid solely because Macau stands behind the mainland: recognition is not transitive."""
    through = [
        WORLD.configuration(MO, authority_hints=[CN]),
        WORLD.statement(MO, by=CN),
        WORLD.statement(CN),
        WORLD.configuration(HK),
    ]
    bundle = damaged(chains={MO: through})
    assert left_out(bundle) == {MO: Reason.UNTRUSTED_ISSUER}
    assert refused(bundle, MO) is Reason.UNTRUSTED_ISSUER


def test_peer_that_does_not_accept_us_is_left_out() -> None:
    """invalid solely because the mainland does not name our anchor in its authority_hints."""
    chain = [WORLD.configuration(CN, authority_hints=[MO]), WORLD.statement(CN)]
    assert left_out(damaged(chains={CN: chain})) == {CN: Reason.UNTRUSTED_ISSUER}


def test_entity_that_issues_no_border_tokens_is_left_out() -> None:
    """invalid solely because the peer is no border_token_issuer: its other keys must never sign one."""
    chain = [WORLD.configuration(CN, metadata={"federation_entity": {}}), WORLD.statement(CN)]
    assert left_out(damaged(chains={CN: chain})) == {CN: Reason.POLICY_VIOLATION}


def test_peer_that_claims_our_jurisdiction_is_left_out() -> None:
    """invalid solely because the mainland calls itself Hong Kong, whose residents it could then send home."""
    members = {
        "jwks": KeySet([border_key(CN).public]).jwks(),
        "status_jwks": KeySet([status_key(CN).public]).jwks(),
        "jurisdiction": "HKG",
    }
    chain = [WORLD.configuration(CN, metadata={"border_token_issuer": members}), WORLD.statement(CN)]
    assert left_out(damaged(chains={CN: chain})) == {CN: Reason.POLICY_VIOLATION}


@pytest.mark.parametrize("chain", [[], "x", [5], ["x"], ["a.b.c"], ["x"] * 9], ids=str)
def test_chain_that_is_not_one_is_left_out(chain: Any) -> None:
    """invalid solely because the chain cannot be read; the bundle is."""
    bundle = damaged(chains={CN: chain})
    assert [item.reason for item in bundle.left_out] == [Reason.MALFORMED]
    assert set(bundle.issuers) == {HK, MO}


def test_issuer_ends_with_its_chain() -> None:
    """invalid solely because the chain has expired since: not renewing ends recognition."""
    bundle = damaged(chain_life=3_600)
    assert bundle.issuer(CN, now=NOW + 3_599)
    with pytest.raises(Refusal) as caught:
        bundle.issuer(CN, now=NOW + 3_600)
    assert caught.value.reason is Reason.UNTRUSTED_ISSUER


def test_issuer_ends_with_its_mark() -> None:
    """invalid solely because the mark has expired since, before the chain."""
    mark = {"trust_mark_type": f"{HK}/trust-marks/border-issuer", "trust_mark": GateSimulator(chain_life=60).mark(CN)}
    bundle = damaged(chains={CN: [WORLD.configuration(CN, trust_marks=[mark]), WORLD.statement(CN)]})
    assert bundle.issuer(CN, now=NOW).expires_at == NOW + 60


URI = WORLD.status_uri(CN)


@pytest.mark.parametrize(
    ("text", "part", "reason"),
    [
        (WORLD.status_list(CN, signer=border_key(CN)), URI, Reason.BAD_SIGNATURE),
        (WORLD.status_list(MO), WORLD.status_uri(MO), Reason.BAD_SIGNATURE),
        (WORLD.status_list(CN, now=NOW - 90_000), URI, Reason.EXPIRED),
        (WORLD.status_list(CN, now=NOW + 60), URI, Reason.NOT_YET_VALID),
        ("x", "a status list", Reason.MALFORMED),
    ],
    ids=["border-key", "another-issuers", "expired", "in-future", "not-one"],
)
def test_status_list_that_fails_is_left_out_alone(text: str, part: str, reason: Reason) -> None:
    """invalid solely because of the list (row 61); its issuer stays, and other lists count."""
    other = sign_status_list(
        StatusList.blank(size=8), uri=f"{CN}/status/2", signer=status_key(CN), now=NOW, lifetime=60
    )
    bundle = damaged(lists={CN: [text, other]})
    assert left_out(bundle) == {part: reason}
    assert set(bundle.issuers[CN].status_lists) == {f"{CN}/status/2"}


def test_newer_of_two_lists_counts_wherever_it_stands() -> None:
    """An older list behind the newer one would take a revocation back."""
    old, new = WORLD.status_list(CN, now=NOW - 60), GateSimulator(list_size=64, revoked={CN: {3}}).status_list(CN)
    for lists in ([old, new], [new, old]):
        assert damaged(lists={CN: lists}).issuers[CN].status_lists[URI].get(3) == 1


def test_issuer_stated_twice_counts_once() -> None:
    """The second statement of an issuer must not replace the first."""
    claims = WORLD.claims()
    claims["issuers"].append({"chain": WORLD.chain(CN), "status_lists": []})
    bundle = load(WORLD.wire(issuers=claims["issuers"]))
    assert URI in bundle.issuers[CN].status_lists


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=10,
)
CLAIMS = WORLD.claims()


@given(st.sampled_from(sorted(CLAIMS)), json_values)
def test_only_refusals_come_out_of_any_claim(name: str, value: object) -> None:
    """Our own node could have a fault; a lane must still say what is wrong instead of dying."""
    with contextlib.suppress(Refusal):
        load(wired(KEYS, sign_bundle({**CLAIMS, name: value}, bundle_key())))


KEYS = keys_text()


@given(st.integers(0, len(sound()) - 1), st.integers(1, 255))
def test_any_byte_changed_is_refused(place: int, flip: int) -> None:
    """A snapshot that was damaged or tampered with on its way is not believed in part."""
    raw = bytearray(sound())
    raw[place] ^= flip
    with pytest.raises(Refusal):
        load(bytes(raw))


@given(st.binary(max_size=200))
def test_only_refusals_come_out_of_anything(raw: bytes) -> None:
    """Whatever the network delivers."""
    with pytest.raises(Refusal):
        load(raw)
    with pytest.raises(Refusal):
        load(wired(b64encode(raw), b64encode(raw)))


def test_anchor_keys_show_a_successor() -> None:
    """A federation key that is about to follow is seen in the configuration before it signs."""
    claims_keys = WORLD.claims()["anchor_configuration"]
    stated = jws.parse_unverified(claims_keys, jws.TokenType(None, any_typ=True)).claims["jwks"]
    assert [k.kid for k in load(sound()).anchor_keys.keys] == [k.kid for k in parse_jwks(stated).keys]


def test_size_is_bounded() -> None:
    """invalid solely because it is longer than any bundle: a lane must not be filled from outside."""
    assert reason_of(wired(parts()[0], "x" * (TRUST_BUNDLE.max_bytes + 1))) is Reason.MALFORMED
