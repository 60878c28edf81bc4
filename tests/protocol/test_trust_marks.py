"""Every way to wear a mark that nobody entitled gave to the wearer (row 19)."""

from typing import Any

import pytest

from idp.protocol import jws
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.statement_claims import TrustMarkOwner
from idp.protocol.trust_marks import (
    TrustMark,
    check_issuer,
    sign_delegation,
    sign_trust_mark,
    verify_trust_mark,
)
from tests.simulators.federation import REMOVE, AuthoritySimulator, Federation

NOW = 1_800_000_000
WORLD = Federation(NOW)
HK = WORLD.authority("https://idp.hk.example")
MO = WORLD.authority("https://idp.mo.example")
OWNER = WORLD.authority("https://owner.example")
STRANGER = AuthoritySimulator("https://stranger.example", federation=Federation(NOW))
KIND = "https://idp.hk.example/trust-marks/border-issuer"
OWNERS = {KIND: TrustMarkOwner(OWNER.entity_id, OWNER.keys)}


def verify(text: str, **options: Any) -> TrustMark:
    expected = {"holder": MO.entity_id, "mark_type": KIND, "issuer_keys": HK.keys, "issuer": HK.entity_id, "now": NOW}
    return verify_trust_mark(text, **{**expected, **options})


def refused(text: str, **options: Any) -> Reason:
    with pytest.raises(Refusal) as caught:
        verify(text, **options)
    return caught.value.reason


def mark(**claims: Any) -> str:
    return HK.mark(MO.entity_id, KIND, **claims)


def test_sound_mark_is_accepted_with_and_without_an_end() -> None:
    """A verifier that refuses everything would pass all the others; exp is optional (Federation §7.1)."""
    assert verify(mark()).exp == NOW + 3600
    assert verify(mark(exp=REMOVE)).exp is None


@pytest.mark.parametrize("typ", ["JWT", "entity-statement+jwt", "trust-mark-delegation+jwt", None])
def test_document_of_another_type_is_no_mark(typ: str | None) -> None:
    """invalid solely because typ is not trust-mark+jwt."""
    claims = jws.parse_unverified(mark(), jws.TokenType(None, required=())).claims
    assert refused(jws.sign(jws.TokenType("trust-mark+jwt"), claims, HK.key, {"typ": typ})) is Reason.MALFORMED


def test_mark_without_kid_is_refused_even_for_a_single_key() -> None:
    """invalid solely because kid is absent (Federation §7)."""
    claims = jws.parse_unverified(mark(), jws.TokenType(None, required=())).claims
    assert refused(jws.sign(jws.TokenType("trust-mark+jwt"), claims, HK.key, {"kid": None})) is Reason.MALFORMED


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"sub": HK.entity_id}, Reason.POLICY_VIOLATION),
        ({"sub": MO.entity_id + "/"}, Reason.POLICY_VIOLATION),
        ({"trust_mark_type": KIND + "s"}, Reason.POLICY_VIOLATION),
        ({"iss": OWNER.entity_id}, Reason.UNTRUSTED_ISSUER),
        ({"exp": NOW - 10}, Reason.EXPIRED),
        ({"iat": NOW + 11}, Reason.NOT_YET_VALID),
        ({"signer": STRANGER.key}, Reason.BAD_SIGNATURE),
        *(({name: REMOVE}, Reason.MALFORMED) for name in ("iss", "sub", "iat", "trust_mark_type")),
        ({"trust_mark_type": ["x"]}, Reason.MALFORMED),
        ({"exp": str(NOW + 60)}, Reason.MALFORMED),
        ({"id": KIND, "trust_mark_type": REMOVE}, Reason.MALFORMED),
    ],
)
def test_mark_with_one_thing_wrong_is_not_accepted(claims: dict[str, Any], reason: Reason) -> None:
    """invalid solely because holder, type, issuer, time or signature is another (row 19)."""
    assert refused(mark(**claims)) is reason


def test_delegated_mark_is_accepted() -> None:
    """Federation §7.2: the owner lets another entity issue."""
    assert verify(mark(delegation=OWNER.delegation(HK.entity_id, KIND)), owners=OWNERS).iss == HK.entity_id


@pytest.mark.parametrize(
    ("delegation", "reason"),
    [
        (REMOVE, Reason.UNTRUSTED_ISSUER),
        (STRANGER.delegation(HK.entity_id, KIND), Reason.BAD_SIGNATURE),
        (OWNER.delegation(HK.entity_id, KIND, iss=STRANGER.entity_id), Reason.UNTRUSTED_ISSUER),
        (OWNER.delegation(MO.entity_id, KIND), Reason.POLICY_VIOLATION),
        (OWNER.delegation(HK.entity_id, KIND + "s"), Reason.POLICY_VIOLATION),
        (OWNER.delegation(HK.entity_id, KIND, exp=NOW - 10), Reason.EXPIRED),
        (OWNER.delegation(HK.entity_id, KIND, iat=NOW + 11), Reason.NOT_YET_VALID),
        (OWNER.mark(HK.entity_id, KIND), Reason.MALFORMED),
        ("x", Reason.MALFORMED),
        (7, Reason.MALFORMED),
    ],
)
def test_mark_of_an_owned_type_without_its_owners_word_is_refused(delegation: Any, reason: Reason) -> None:
    """invalid solely because the delegation is missing, or by another, to another, of another type or time (row 19)."""
    assert refused(mark(delegation=delegation), owners=OWNERS) is reason


def test_delegation_by_an_owner_whom_the_anchor_does_not_name_is_refused() -> None:
    """invalid solely because nobody can verify the delegation that is there (Federation §7.3)."""
    assert refused(mark(delegation=OWNER.delegation(HK.entity_id, KIND))) is Reason.UNTRUSTED_ISSUER


@pytest.mark.parametrize(
    ("issuer", "listed", "accepted"),
    [
        (HK.entity_id, {}, True),  # the anchor speaks for itself
        (MO.entity_id, {}, False),
        (MO.entity_id, {"another": ()}, False),
        (MO.entity_id, {KIND: ()}, True),  # anybody
        (MO.entity_id, {KIND: (MO.entity_id,)}, True),
        (MO.entity_id + "/", {KIND: (MO.entity_id,)}, False),
        (HK.entity_id, {KIND: (MO.entity_id,)}, False),  # the anchor left it to another
    ],
)
def test_only_issuers_whom_the_anchor_lists_may_give_marks(issuer: str, listed: Any, accepted: bool) -> None:
    """invalid solely because the anchor does not list the issuer for this type (row 19)."""
    if accepted:
        check_issuer(KIND, issuer, anchor=HK.entity_id, trust_mark_issuers=listed)
        return
    with pytest.raises(Refusal) as caught:
        check_issuer(KIND, issuer, anchor=HK.entity_id, trust_mark_issuers=listed)
    assert caught.value.reason is Reason.UNTRUSTED_ISSUER


def test_what_verification_would_refuse_is_not_signed() -> None:
    """A mark that no peer accepts would be found out at the border, not at the desk."""
    good = {"iss": HK.entity_id, "sub": MO.entity_id, "trust_mark_type": KIND, "iat": NOW, "exp": NOW + 60}
    assert verify(sign_trust_mark(good, HK.key)).sub == MO.entity_id
    delegation = sign_delegation({**good, "iss": OWNER.entity_id, "sub": HK.entity_id}, OWNER.key)
    assert verify(mark(delegation=delegation), owners=OWNERS).sub == MO.entity_id
    for wrong in ({"sub": "idp.mo.example"}, {"exp": NOW - 10}, {"trust_mark_type": ""}, {"iat": "now"}):
        with pytest.raises(Refusal):
            sign_trust_mark({**good, **wrong}, HK.key)
        with pytest.raises(Refusal):
            sign_delegation({**good, **wrong}, HK.key)
