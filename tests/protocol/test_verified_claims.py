"""Requests for verified claims: what is not their form is refused, and no condition is overlooked."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import claims_request, strict_json, verified_claims
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.verified_claims import EVIDENCE, MAX_BYTES, MAX_CLAIMS, MAX_DEPTH, MAX_REQUESTS, NUMBER, narrow, parse

TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
LEAF = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "essential": st.booleans(),
        "value": JSON,
        "values": st.lists(JSON, max_size=2),
        "max_age": st.integers(0, 10**9),
        "purpose": st.text("abc", min_size=3, max_size=9),
    },
)


def leaves(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, LEAF)


CHECK = st.fixed_dictionaries({}, optional=leaves("check_method", "organization", "check_id", "time"))
ISSUER = st.fixed_dictionaries({}, optional=leaves("name", "country", "country_code", "jurisdiction", "locality"))
DETAILS = st.fixed_dictionaries(
    {}, optional={**leaves("type", NUMBER, "date_of_issuance", "date_of_expiry"), "issuer": ISSUER}
)
EVIDENCES = st.fixed_dictionaries(
    {"type": st.fixed_dictionaries({"value": st.sampled_from(["document", "vouch", "x"])})},
    optional={"check_details": st.lists(CHECK, min_size=1, max_size=2), "document_details": DETAILS},
)
ONE = st.fixed_dictionaries(
    {
        "verification": st.fixed_dictionaries(
            leaves("trust_framework"),
            optional={
                **leaves("time", "verification_process", "assurance_level"),
                EVIDENCE: st.lists(EVIDENCES, min_size=1, max_size=2),
            },
        ),
        "claims": st.dictionaries(
            st.sampled_from(["name", "name#en", "family_name", "birthdate", "x"]), LEAF, min_size=1, max_size=4
        ),
    }
)
REQUESTS = ONE | st.lists(ONE, min_size=1, max_size=3)
PLAIN: dict[str, Any] = {"verification": {"trust_framework": None}, "claims": {"name": None}}
DOCUMENT: dict[str, Any] = {"type": {"value": "document"}, "document_details": {"type": None, NUMBER: None}}


def request(*evidence: Any, claims: Any = None, **verification: Any) -> dict[str, Any]:
    """A request that is right, with these parts."""
    shown = {EVIDENCE: list(evidence)} if evidence else {}
    return {"verification": {"trust_framework": None, **shown, **verification}, "claims": claims or {"name": None}}


def at(path: str, leaf: Any) -> dict[str, Any]:
    """A request that is right but for what may stand in this place of the verification."""
    names = path.split("/")
    evidence: dict[str, Any] = {"type": {"value": "document"}}
    if names[0] != EVIDENCE:
        return request(**{names[0]: leaf})
    place = evidence
    for name in names[1:-1]:
        place = place.setdefault(name, [{}])[0] if name == "check_details" else place.setdefault(name, {})
    place[names[-1]] = leaf
    return request(evidence)


PLACES = (
    "trust_framework",
    "assurance_level",
    "time",
    "verification_process",
    "evidence/check_details/check_method",
    "evidence/check_details/time",
    "evidence/document_details/type",
    "evidence/document_details/document_number",
    "evidence/document_details/date_of_expiry",
    "evidence/document_details/issuer/name",
)


@given(REQUESTS)
def test_what_has_the_form_comes_back_as_it_was(asked: Any) -> None:
    """Alone, and as a part of the claims parameter, text or object."""
    assert parse(asked) == asked
    assert claims_request.parse({"userinfo": {"verified_claims": asked}}) == {"userinfo": {"verified_claims": asked}}
    if len(text := json.dumps({"id_token": {"verified_claims": asked}})) <= claims_request.MAX_BYTES:
        assert claims_request.parse(text) == {"id_token": {"verified_claims": asked}}


@given(JSON | st.fixed_dictionaries({"verification": JSON, "claims": JSON}) | st.lists(ONE | JSON, max_size=3))
def test_whatever_comes_is_read_or_refused(value: Any) -> None:
    """And what was read is read again as the same."""
    try:
        asked = parse(value)
    except Refusal as error:
        assert error.reason is Reason.MALFORMED
    else:
        assert parse(asked) == asked


@given(ONE, st.sampled_from(PLACES), JSON)
def test_a_verification_with_anything_in_any_place_is_read_or_refused(asked: Any, path: str, item: Any) -> None:
    """invalid solely because of one place, if at all."""
    value = {**asked, "verification": {**asked["verification"], **at(path, item)["verification"]}}
    try:
        assert parse(value)
    except Refusal as error:
        assert error.reason is Reason.MALFORMED


@pytest.mark.parametrize("value", [None, 3, "x", True, {}, [], [None], {"verification": {"trust_framework": None}}])
def test_what_is_no_request_is_refused(value: object) -> None:
    """invalid solely because it is not an object with both parts, nor an array of such."""
    with pytest.raises(Refusal):
        parse(value)


@pytest.mark.parametrize("verification", [None, [], "x", {}, {"time": None}])
def test_verification_names_the_trust_framework(verification: object) -> None:
    """invalid solely because trust_framework, which every answer has, is not asked for (IDA §5.4)."""
    with pytest.raises(Refusal, match="verification"):
        parse({**PLAIN, "verification": verification})


@pytest.mark.parametrize("claims", [None, {}, [], "name", ["name"]])
def test_a_request_for_no_claim_is_refused(claims: object) -> None:
    """invalid solely because nothing is asked for."""
    with pytest.raises(Refusal, match="claims"):
        parse({**PLAIN, "claims": claims})


@pytest.mark.parametrize("kind", [None, {}, {"values": ["document"]}, {"value": 3}, {"value": "a", "values": ["a"]}])
def test_evidence_is_of_one_type(kind: object) -> None:
    """invalid solely because its type is not one value (IDA §5.4)."""
    with pytest.raises(Refusal, match="one value"):
        parse(request({"type": kind}))
    with pytest.raises(Refusal, match="one value"):
        parse(request({"document_details": {"type": None}}))


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize("leaf", ["x", 3, True, [], [{"value": "x"}]])
def test_an_element_is_null_or_an_object(path: str, leaf: object) -> None:
    """invalid solely because an element is neither."""
    with pytest.raises(Refusal, match="neither null nor an object"):
        parse(at(path, leaf))


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize(
    ("member", "values"),
    [
        ("essential", [None, 1, "true"]),
        ("values", [None, "x", {}]),
        ("max_age", [None, -1, 1.5, "60", True]),
        ("purpose", [None, 3, "ab", "a" * 301]),
    ],
)
def test_the_members_of_an_element_are_of_their_kind(path: str, member: str, values: list[Any]) -> None:
    """invalid solely because of one member's value."""
    for value in values:
        with pytest.raises(Refusal):
            parse(at(path, {member: value}))
        with pytest.raises(Refusal):
            parse(request(claims={"name": {member: value}}))


def test_a_purpose_may_be_as_short_and_as_long_as_is_allowed() -> None:
    for purpose in ("abc", "學" * 300):
        assert parse(request(claims={"name": {"purpose": purpose}}))


@pytest.mark.parametrize(
    ("one", "limit", "name"),
    [({"type": {"value": "document"}}, 4, EVIDENCE), ({"check_method": None}, 8, "check_details")],
)
def test_arrays_have_members_and_not_too_many(one: Any, limit: int, name: str) -> None:
    """invalid solely because of the number."""

    def of(items: Any) -> Any:
        return request(*items) if name == EVIDENCE else request({"type": {"value": "document"}, name: items})

    assert parse(of([one] * limit))
    with pytest.raises(Refusal, match="array of 1"):
        parse(of([one] * (limit + 1)))
    with pytest.raises(Refusal, match="array of 1"):
        parse({**PLAIN, "verification": {"trust_framework": None, EVIDENCE: []}})
    with pytest.raises(Refusal, match="array of 1"):
        parse({**PLAIN, "verification": {"trust_framework": None, EVIDENCE: {"type": {"value": "document"}}}})


def test_as_many_requests_and_claims_as_are_allowed_and_not_one_more() -> None:
    """invalid solely because of the last one."""
    assert parse([PLAIN] * MAX_REQUESTS) == [PLAIN] * MAX_REQUESTS
    with pytest.raises(Refusal, match="verified_claims"):
        parse([PLAIN] * (MAX_REQUESTS + 1))
    many: dict[str, Any] = {f"c{number}": None for number in range(MAX_CLAIMS)}
    assert parse(request(claims=many))
    with pytest.raises(Refusal, match="claims"):
        parse(request(claims={**many, "last": None}))


def test_what_is_too_long_or_too_deep_is_refused() -> None:
    """invalid solely because of one byte, or of one level; a request object has no other bound."""
    empty = len(strict_json.dumps(request(claims={"": None})))
    assert parse(request(claims={"x" * (MAX_BYTES - empty): None}))
    with pytest.raises(Refusal, match="too long"):
        parse(request(claims={"x" * (MAX_BYTES - empty + 1): None}))

    def deep(levels: int) -> Any:
        value: Any = None
        for _ in range(levels):
            value = {"x": value}
        return {**PLAIN, "other": value}

    assert parse(deep(MAX_DEPTH - 1)) == PLAIN
    for levels in (MAX_DEPTH, 5000):  # the last one would exhaust the stack
        with pytest.raises(Refusal, match="too deep"):
            parse(deep(levels))


@given(ONE, TEXT.filter(lambda name: name not in ("value", "values", "max_age")))
def test_an_unknown_element_is_ignored(asked: Any, name: str) -> None:
    """IDA Schema Definition §5.2."""
    unknown = f"_{name}"
    told = {"trust_framework": None, unknown: {"a": None, "b": [{"c": {"essential": True}}]}, "attachments": None}
    assert parse({**asked, "verification": told, unknown: 3}) == {**asked, "verification": {"trust_framework": None}}


@pytest.mark.parametrize("condition", [{"value": "x"}, {"values": ["x"]}, {"max_age": 3}])
def test_a_condition_in_an_unknown_element_is_kept(condition: dict[str, Any]) -> None:
    """IDA §5.5.1: a provider that overlooks one delivers what the client must not take for checked."""
    for part in (condition, {"policy": condition}, [{"assurance_details": [condition]}]):
        kept = parse(request(assurance_process=part))
        assert kept["verification"]["assurance_process"] == {"values": []}  # type: ignore[call-overload]
    for place in (DOCUMENT, {**DOCUMENT, "document_details": {"type": None, **condition}}, {**DOCUMENT, **condition}):
        kept = parse(request({**place, "method": condition}))
        evidence = kept["verification"][EVIDENCE][0]  # type: ignore[call-overload]
        assert evidence["method"] == {"values": []}
        assert verified_claims.binds(evidence["document_details"]) == bool(
            set(place["document_details"]) & set(condition)
        )


def test_an_object_that_is_null_asks_for_nothing() -> None:
    assert parse(request(evidence=None)) == PLAIN
    assert parse(request({"type": {"value": "document"}, "document_details": None, "check_details": None})) == request(
        {"type": {"value": "document"}}
    )


def test_names_are_those_of_all_requests_without_their_languages() -> None:
    asked = parse([request(DOCUMENT, claims={"name#zh-Hant": None, "name": None}), request(claims={"birthdate": None})])
    assert verified_claims.names(asked) == {"name", "birthdate", EVIDENCE, NUMBER}
    assert verified_claims.names(parse(request({"type": {"value": "document"}}))) == {"name", EVIDENCE}
    assert verified_claims.names(PLAIN) == {"name"}


def test_what_is_essential_in_one_request_is_essential() -> None:
    asked = parse([request(claims={"name#en": {"essential": True}, "birthdate": None}), request(claims={"name": None})])
    assert verified_claims.essential(asked) == {"name"}


def test_a_purpose_is_told_once_for_each_claim() -> None:
    one = {"name": {"purpose": "to print it"}, "name#en": {"purpose": "to print it"}, "birthdate": None}
    other = {"name": {"purpose": "to call you"}}
    assert verified_claims.purposes([request(claims=one), request(claims=other)]) == {
        "name": ["to print it", "to call you"]
    }


@given(REQUESTS, st.sets(st.sampled_from(["name", "family_name", "birthdate", "x", EVIDENCE, NUMBER])))
def test_nothing_is_left_of_what_is_not_allowed(asked: Any, allowed: set[str]) -> None:
    """And what is left is a request like any other, of the same kind; what is allowed stays word for word."""
    left = narrow(asked, allowed)
    if left is None:
        return
    assert verified_claims.names(left) <= allowed & verified_claims.names(asked)
    assert parse(left) == left
    assert isinstance(left, list) == isinstance(asked, list)
    for request_ in verified_claims.each(left):
        assert any(request_["claims"].items() <= whole["claims"].items() for whole in verified_claims.each(asked))
    assert narrow(asked, verified_claims.names(asked)) == asked


@pytest.mark.parametrize("leaf", [{"value": "A1"}, {"values": []}, {"essential": True}, {"max_age": 0}])
def test_a_number_that_may_not_be_told_cannot_be_guessed(leaf: dict[str, Any]) -> None:
    """invalid solely because an answer would say that the number is the one asked about, or that it is not."""
    guess = {**DOCUMENT, "document_details": {NUMBER: leaf}}
    assert narrow(request(guess), {"name", EVIDENCE}) is None
    assert narrow([PLAIN, request(guess)], {"name", EVIDENCE}) == [PLAIN]
    left = narrow(request(guess, DOCUMENT), {"name", EVIDENCE})
    assert left == request({**DOCUMENT, "document_details": {"type": None}})


@pytest.mark.parametrize(
    "part",
    [
        {"document_details": {"type": {"value": "passport"}}},
        {"document_details": {"date_of_expiry": {"max_age": 0}}},
        {"check_details": [{"check_method": {"essential": True}}]},
        {"method": {"values": []}},
        {"type": {"value": "vouch"}},
        {"type": {"value": "document", "essential": True}},
    ],
)
def test_evidence_that_may_not_be_told_cannot_be_a_condition(part: dict[str, Any]) -> None:
    """invalid solely because claims on that condition would tell which document it is."""
    assert narrow(request({"type": {"value": "document"}, **part}), {"name"}) is None
    assert narrow(request({"type": {"value": "document"}, **part}), {"name", EVIDENCE, NUMBER}) is not None


def test_evidence_that_may_not_be_told_is_left_out() -> None:
    assert narrow(request(DOCUMENT), {"name"}) == PLAIN


def test_no_claims_no_request() -> None:
    assert narrow(request(DOCUMENT), {EVIDENCE, NUMBER}) is None
    assert narrow([request(claims={"name#en": None, "x": None})], {"name"}) == [request(claims={"name#en": None})]
