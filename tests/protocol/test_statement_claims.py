"""Every claim that stands where it must not, or has a form that readers disagree about (rows 12 to 14, 17, 19)."""

from typing import Any

import pytest

from idp.protocol import strict_json
from idp.protocol.entity_statements import parse_entity_configuration, verify_subordinate_statement
from idp.protocol.metadata_policy import PolicyRefused
from idp.protocol.refusals import Reason, Refusal
from tests.simulators.federation import Federation, with_raw_claims

NOW = 1_800_000_000
WORLD = Federation(NOW)
HK = WORLD.authority("https://idp.hk.example")
MO = WORLD.authority("https://idp.mo.example")
HK.recognise(MO)


def refused_configuration(text: str) -> Reason:
    with pytest.raises(Refusal) as caught:
        parse_entity_configuration(text, now=NOW)
    return caught.value.reason


def verify(text: str) -> Any:
    return verify_subordinate_statement(text, superior_keys=HK.keys, issuer=HK.entity_id, subject=MO.entity_id, now=NOW)


def refused_statement(text: str) -> Reason:
    with pytest.raises(Refusal) as caught:
        verify(text)
    return caught.value.reason


MISPLACED_IN_CONFIGURATION = {
    "metadata_policy": {},
    "metadata_policy_crit": ["x"],
    "constraints": {},
    "source_endpoint": "https://idp.mo.example/fetch",
    "aud": "https://idp.hk.example",
    "trust_anchor": "https://idp.hk.example",
}
MISPLACED_IN_STATEMENT = {
    "authority_hints": ["https://idp.hk.example"],
    "trust_anchor_hints": ["https://idp.hk.example"],
    "trust_marks": [],
    "trust_mark_issuers": {},
    "trust_mark_owners": {},
    "aud": "https://idp.hk.example",
    "trust_anchor": "https://idp.hk.example",
}


@pytest.mark.parametrize("name", MISPLACED_IN_CONFIGURATION)
def test_claim_of_a_superior_in_a_configuration_is_refused(name: str) -> None:
    """invalid solely because the claim belongs in subordinate statements or registration (row 13)."""
    assert refused_configuration(MO.configuration(**{name: MISPLACED_IN_CONFIGURATION[name]})) is Reason.MALFORMED


@pytest.mark.parametrize("name", MISPLACED_IN_STATEMENT)
def test_claim_of_a_subject_in_a_statement_is_refused(name: str) -> None:
    """invalid solely because the claim belongs in entity configurations or registration (row 13)."""
    assert refused_statement(HK.statement(MO, **{name: MISPLACED_IN_STATEMENT[name]})) is Reason.MALFORMED


@pytest.mark.parametrize("crit", [[], ["exp"], ["colour"], ["absent"], ["colour", "colour"], "colour", [7]])
def test_crit_refuses_whatever_it_names(crit: object) -> None:
    """invalid solely because crit is empty, or names a claim that is defined, unknown or absent (row 12)."""
    assert refused_configuration(MO.configuration(crit=crit, colour="red")) is Reason.MALFORMED
    assert refused_statement(HK.statement(MO, crit=crit, colour="red")) is Reason.MALFORMED


def test_unknown_claim_that_is_not_critical_is_ignored() -> None:
    """Federation §3.1: applications may add claims."""
    assert parse_entity_configuration(MO.configuration(colour="red"), now=NOW).claims["colour"] == "red"


@pytest.mark.parametrize(
    "claims",
    [
        {"metadata": None},
        {"metadata": []},
        {"metadata": {"openid_provider": None}},
        {"metadata": {"openid_provider": {"issuer": None}}},
        {"metadata": {"": {}}},
        {"metadata": {"federation_entity": {"jwks": {"keys": []}}}},
        {"metadata": {"federation_entity": {"jwks_uri": "https://idp.mo.example/jwks"}}},
        {"metadata": {"federation_entity": {"signed_jwks_uri": "https://idp.mo.example/jwks"}}},
        {"authority_hints": []},
        {"authority_hints": "https://idp.hk.example"},
        {"authority_hints": ["http://idp.hk.example"]},
        {"authority_hints": ["https://idp.hk.example", "https://idp.hk.example"]},
        {"authority_hints": [None]},
        {"trust_anchor_hints": []},
        {"trust_marks": {}},
        {"trust_marks": ["mark"]},
        {"trust_marks": [{"trust_mark_type": "t"}]},
        {"trust_marks": [{"id": "t", "trust_mark": HK.mark(MO.entity_id, "t")}]},
        {"trust_marks": [{"trust_mark_type": "u", "trust_mark": HK.mark(MO.entity_id, "t")}]},
        {"trust_marks": [{"trust_mark_type": "t", "trust_mark": "not a mark"}]},
        {"trust_mark_issuers": []},
        {"trust_mark_issuers": {"t": "https://idp.hk.example"}},
        {"trust_mark_issuers": {"t": ["idp.hk.example"]}},
        {"trust_mark_owners": []},
        {"trust_mark_owners": {"t": "https://idp.hk.example"}},
        {"trust_mark_owners": {"t": {"sub": "https://idp.hk.example"}}},
        {"trust_mark_owners": {"t": {"jwks": HK.keys.jwks()}}},
    ],
)
def test_claim_of_the_wrong_form_refuses_the_configuration(claims: dict[str, Any]) -> None:
    """invalid solely because one claim has not the form that Federation §3.1 gives it (rows 13, 17, 19)."""
    assert refused_configuration(MO.configuration(**claims)) is Reason.MALFORMED


@pytest.mark.parametrize(
    "claims",
    [
        {"constraints": []},
        {"constraints": {"max_path_length": -1}},
        {"metadata": {"openid_provider": {"issuer": None}}},
        {"metadata_policy_crit": []},
        {"metadata_policy_crit": "regexp"},
        {"source_endpoint": "ftp://idp.hk.example/fetch"},
        {"source_endpoint": "https://idp.hk.example/fetch#x"},
        {"source_endpoint": "https://idp.hk.example/fetch?a=1#x"},
        {"source_endpoint": "https://idp.hk.example/fetch?a b"},
        {"source_endpoint": 7},
    ],
)
def test_claim_of_the_wrong_form_refuses_the_statement(claims: dict[str, Any]) -> None:
    """invalid solely because one claim has not the form that Federation §3.1.3 gives it."""
    assert refused_statement(HK.statement(MO, **claims)) is Reason.MALFORMED


@pytest.mark.parametrize(
    "claims",
    [
        {"metadata_policy": []},
        {"metadata_policy": {"openid_provider": []}},
        {"metadata_policy": {"openid_provider": {"scope": []}}},
        {"metadata_policy_crit": ["value"]},
        {"metadata_policy_crit": ["regexp"]},
    ],
)
def test_policy_that_no_chain_could_hold_refuses_the_statement(claims: dict[str, Any]) -> None:
    """invalid solely because the policy is no policy, or demands an operator that is not understood (rows 14, 17)."""
    with pytest.raises(PolicyRefused):
        verify(HK.statement(MO, **claims))


def test_member_that_stands_twice_in_a_policy_is_refused() -> None:
    """invalid solely because an operator stands twice (row 17, Federation §6.1.2)."""
    claims = strict_json.b64decode(HK.statement(MO).split(".")[1]).decode()
    policy = '"metadata_policy":{"openid_provider":{"scope":{"value":"a","value":"b"}}}'
    text = with_raw_claims(f"{claims[:-1]},{policy}}}", signer=HK.key)
    assert refused_statement(text) is Reason.MALFORMED
