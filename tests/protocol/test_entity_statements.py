"""Every way to pass off a statement that its issuer never made, or that means two things (rows 1-5, 12, 13, 71, 72)."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import jws, keys, strict_json
from idp.protocol.entity_statements import (
    parse_entity_configuration,
    parse_registration_request,
    sign_entity_configuration,
    sign_subordinate_statement,
    verify_subordinate_statement,
)
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.statement_claims import CONFIGURATION_ONLY, REGISTRATION_ONLY, STATEMENT_ONLY
from tests.simulators.federation import REMOVE, AuthoritySimulator, Federation, tampered, with_raw_claims

NOW = 1_800_000_000
WORLD = Federation(NOW)
HK = WORLD.authority("https://idp.hk.example")
MO = WORLD.authority("https://idp.mo.example", openid_provider={"issuer": "https://idp.mo.example"})
HK.recognise(MO)
STRANGER = AuthoritySimulator("https://stranger.example", federation=Federation(NOW))


def refused_configuration(text: Any, **options: Any) -> Reason:
    with pytest.raises(Refusal) as caught:
        parse_entity_configuration(text, now=NOW, **options)
    return caught.value.reason


def verify(text: str, **options: Any) -> Any:
    expected = {"superior_keys": HK.keys, "issuer": HK.entity_id, "subject": MO.entity_id, "now": NOW, **options}
    return verify_subordinate_statement(text, **expected)


def refused_statement(text: str, **options: Any) -> Reason:
    with pytest.raises(Refusal) as caught:
        verify(text, **options)
    return caught.value.reason


def test_sound_configuration_and_statement_are_read() -> None:
    """A parser that refuses everything would pass all the others."""
    configuration = parse_entity_configuration(MO.configuration(), now=NOW, expect=MO.entity_id)
    assert configuration.authority_hints == (HK.entity_id,)
    assert configuration.metadata["openid_provider"] == {"issuer": MO.entity_id}
    assert configuration.exp == NOW + 3600
    statement = verify(
        HK.statement(
            MO,
            constraints={"max_path_length": 1},
            metadata_policy={"openid_provider": {"issuer": {"essential": True}}},
        )
    )
    assert statement.keys.jwks() == MO.keys.jwks()
    assert statement.constraints is not None
    assert statement.constraints.max_path_length == 1
    assert statement.source_endpoint == HK.fetch_endpoint


# --- the envelope --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES384"])
def test_algorithm_of_the_attacker_is_refused(algorithm: str) -> None:
    """invalid solely because alg is none, symmetric or not the key's (row 1)."""
    assert refused_configuration(MO.configuration(header={"alg": algorithm})) is Reason.BAD_SIGNATURE
    assert refused_statement(HK.statement(MO, header={"alg": algorithm})) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "trust-mark+jwt", "", None])
def test_document_of_another_type_is_no_statement(typ: str | None) -> None:
    """invalid solely because typ is not entity-statement+jwt (row 2)."""
    assert refused_configuration(MO.configuration(header={"typ": typ})) is Reason.MALFORMED
    assert refused_statement(HK.statement(MO, header={"typ": typ})) is Reason.MALFORMED


@pytest.mark.parametrize("kid", ["", None, 7])
def test_statement_without_kid_is_refused_even_for_a_single_key(kid: object) -> None:
    """invalid solely because kid is absent or empty (row 3, Federation §3)."""
    assert refused_configuration(MO.configuration(header={"kid": kid})) is Reason.MALFORMED
    assert refused_statement(HK.statement(MO, header={"kid": kid})) is Reason.MALFORMED


@pytest.mark.parametrize(
    "kid", ["../../etc/passwd", "' OR 1=1 --", "x", HK.key.kid + " "], ids=["path", "sql", "other", "trailing-space"]
)
def test_kid_is_looked_up_by_equality_only(kid: str) -> None:
    """invalid solely because kid names no key of the issuer (row 3)."""
    assert refused_configuration(MO.configuration(header={"kid": kid})) is Reason.BAD_SIGNATURE
    assert refused_statement(HK.statement(MO, header={"kid": kid})) is Reason.BAD_SIGNATURE


def test_kid_that_stands_twice_is_refused() -> None:
    """invalid solely because two keys share a kid (row 3)."""
    twin = {**keys.generate().public.jwk(), "kid": MO.key.kid}
    twins = {"keys": [MO.key.public.jwk(), twin]}
    assert refused_configuration(MO.configuration(jwks=twins)) is Reason.MALFORMED


@pytest.mark.parametrize(
    "header", [{"jku": "https://evil.example/k"}, {"x5u": "https://evil.example/c"}, {"jwk": STRANGER.key.public.jwk()}]
)
def test_key_from_the_header_is_never_used(header: dict[str, Any]) -> None:
    """invalid solely because the header brings or points to a key (row 4)."""
    assert refused_configuration(MO.configuration(header=header)) is Reason.MALFORMED


@pytest.mark.parametrize("name", ["trust_chain", "peer_trust_chain"])
def test_chain_in_the_header_of_a_plain_statement_is_refused(name: str) -> None:
    """invalid solely because only registration requests may carry a chain (Federation §4.3)."""
    assert refused_configuration(MO.configuration(header={name: []})) is Reason.MALFORMED
    assert refused_statement(HK.statement(MO, header={name: []})) is Reason.MALFORMED


def test_statement_of_another_signer_is_refused() -> None:
    """invalid solely because another key signed."""
    assert refused_configuration(MO.configuration(signer=STRANGER.key)) is Reason.BAD_SIGNATURE
    assert refused_statement(HK.statement(MO, signer=STRANGER.key)) is Reason.BAD_SIGNATURE


def test_claims_changed_after_signing_are_refused() -> None:
    """invalid solely because the claims are not those that were signed."""
    assert refused_statement(tampered(HK.statement(MO), str(NOW + 3600), str(NOW + 9999))) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": NOW - 10}, Reason.EXPIRED),
        ({"iat": NOW + 11}, Reason.NOT_YET_VALID),
        *(({name: REMOVE}, Reason.MALFORMED) for name in ("iss", "sub", "iat", "exp", "jwks")),
        *(({"exp": value}, Reason.MALFORMED) for value in (str(NOW + 60), NOW + 60.5, True, None, -1, [NOW + 60])),
        ({"iat": str(NOW)}, Reason.MALFORMED),
        ({"iss": [MO.entity_id]}, Reason.MALFORMED),
        ({"jwks": {"keys": []}}, Reason.MALFORMED),
        ({"jwks": {"keys": [MO.key.jwk()]}}, Reason.MALFORMED),  # private
    ],
)
def test_times_and_required_claims(claims: dict[str, Any], reason: Reason) -> None:
    """invalid solely because one required claim is missing, mistyped or out of time (rows 5, 72)."""
    assert refused_configuration(MO.configuration(**claims)) is reason


def test_statement_past_its_time_is_refused() -> None:
    """invalid solely because exp is past or iat ahead, for subordinate statements (row 5)."""
    assert refused_statement(HK.statement(MO, exp=NOW - 10)) is Reason.EXPIRED
    assert refused_statement(HK.statement(MO, iat=NOW + 11)) is Reason.NOT_YET_VALID


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"exp"', '"exp":1,"exp"'),
        ('"metadata"', '"metadata":{},"metadata"'),
        (str(NOW + 3600), "NaN"),
        (str(NOW + 3600), "1e999"),
        (str(NOW + 3600), str(2**60)),
    ],
)
def test_json_that_readers_disagree_about_is_refused(old: str, new: str) -> None:
    """invalid solely because of a doubled member or a number that is none (row 72)."""
    claims = strict_json.b64decode(MO.configuration().split(".")[1]).decode()
    assert old in claims
    assert refused_configuration(with_raw_claims(claims.replace(old, new, 1), signer=MO.key)) is Reason.MALFORMED


# --- whose -----------------------------------------------------------------------------------------------------------


def test_configuration_of_another_entity_is_refused() -> None:
    """invalid solely because another entity was asked for."""
    assert refused_configuration(MO.configuration(), expect=HK.entity_id) is Reason.UNTRUSTED_ISSUER


def test_statement_about_somebody_else_is_no_configuration() -> None:
    """invalid solely because issuer and subject differ."""
    assert refused_configuration(MO.configuration(sub=HK.entity_id)) is Reason.MALFORMED


@pytest.mark.parametrize("options", [{"issuer": "https://idp.cn.example"}, {"subject": "https://idp.cn.example"}])
def test_statement_by_or_about_another_is_refused(options: dict[str, str]) -> None:
    """invalid solely because issuer or subject is not the expected one (row 7)."""
    assert refused_statement(HK.statement(MO), **options) is Reason.UNTRUSTED_ISSUER


def test_configuration_never_passes_for_a_statement() -> None:
    """invalid solely because issuer and subject are the same."""
    text = HK.configuration()
    assert refused_statement(text, subject=HK.entity_id) is Reason.MALFORMED


@pytest.mark.parametrize(
    "other",
    [
        "https://idp.mo.example/",
        "https://IDP.mo.example",
        "https://idp.mo.example:443",
        "https://idp.mo.example.",
        "https://idp.mо.example",  # a Cyrillic o
    ],
)
def test_entity_identifiers_are_compared_exactly(other: str) -> None:
    """invalid solely because the identifier is spelled otherwise (row 71, Federation §16)."""
    assert refused_configuration(MO.configuration(), expect=other) is Reason.UNTRUSTED_ISSUER
    assert refused_statement(HK.statement(MO), subject=other) is Reason.UNTRUSTED_ISSUER


# --- signing and registration ----------------------------------------------------------------------------------------


def claims_of(text: str) -> dict[str, Any]:
    return jws.parse_unverified(text, jws.TokenType(None, required=())).claims


def test_what_verification_would_refuse_is_not_signed() -> None:
    """A document with our signature that peers refuse is an outage; one with a wrong key inside is worse."""
    good, statement = claims_of(MO.configuration()), claims_of(HK.statement(MO))
    assert parse_entity_configuration(sign_entity_configuration(good, MO.key), now=NOW).sub == MO.entity_id
    assert verify(sign_subordinate_statement(statement, HK.key)).sub == MO.entity_id
    for wrong in ({"authority_hints": []}, {"jwks": HK.keys.jwks()}, {"exp": NOW - 10}, {"constraints": {}}):
        with pytest.raises(Refusal):
            sign_entity_configuration({**good, **wrong}, MO.key)
    for wrong in ({"sub": HK.entity_id}, {"metadata_policy_crit": ["regexp"]}, {"authority_hints": ["https://a.b"]}):
        with pytest.raises(Refusal):
            sign_subordinate_statement({**statement, **wrong}, HK.key)


def test_registration_request_may_carry_a_chain_and_names_its_audience() -> None:
    """Federation §12.2.1: the one configuration with aud and a chain in its header."""
    text = MO.configuration(aud=HK.entity_id, header={"trust_chain": ["x"]})
    configuration, header = parse_registration_request(text, audience=HK.entity_id, now=NOW)
    assert (configuration.sub, header["trust_chain"]) == (MO.entity_id, ["x"])


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({}, Reason.MALFORMED),
        ({"aud": "https://idp.cn.example"}, Reason.WRONG_AUDIENCE),
        ({"aud": [HK.entity_id]}, Reason.WRONG_AUDIENCE),
        ({"aud": HK.entity_id, "trust_anchor": HK.entity_id}, Reason.MALFORMED),
        ({"aud": HK.entity_id, "signer": STRANGER.key}, Reason.BAD_SIGNATURE),
        ({"aud": HK.entity_id, "exp": NOW - 10}, Reason.EXPIRED),
    ],
)
def test_registration_request_for_somebody_else_is_refused(claims: dict[str, Any], reason: Reason) -> None:
    """invalid solely because aud is missing or other, or the request is not sound (row 30)."""
    with pytest.raises(Refusal) as caught:
        parse_registration_request(MO.configuration(**claims), audience=HK.entity_id, now=NOW)
    assert caught.value.reason is reason


# --- anything at all -------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
COMMON = {"iss", "sub", "iat", "exp", "jwks", "metadata", "crit"}
NAMES = sorted(COMMON | CONFIGURATION_ONLY | REGISTRATION_ONLY | STATEMENT_ONLY)


def configuration_or_refusal(text: Any) -> Any:
    return parse_entity_configuration(text, now=NOW)


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_no_text_at_all_does_more_than_refuse(text: Any) -> None:
    """An exception other than a refusal would be a 500 to whoever sent it."""
    for parse in (configuration_or_refusal, verify):
        with contextlib.suppress(Refusal):
            parse(text)


@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))
def test_no_claims_at_all_do_more_than_refuse(claims: dict[str, Any]) -> None:
    """A truly signed statement with any JSON in any claim is read or refused, never an error of ours."""
    for authority, base, parse in ((MO, MO.configuration(), configuration_or_refusal), (HK, HK.statement(MO), verify)):
        body = json.dumps({**claims_of(base), **claims})
        text = with_raw_claims(body.encode("utf-8", "replace").decode(), signer=authority.key)
        with contextlib.suppress(Refusal):
            parse(text)
