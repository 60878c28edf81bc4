"""Answers to requests for verified claims: what was asked for, on the conditions that were made, or nothing."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given

from idp.protocol import strict_json, verified_claims
from idp.protocol.claims_answer import Facts
from idp.protocol.requested_claim import values
from idp.protocol.verified_answer import Record, answer
from tests.protocol.test_verified_claims import REQUESTS, request

NOW = 1_800_000_000  # 2027-01-15 16:00 in Hong Kong
DAY = 86_400
LINKED = datetime.datetime.fromtimestamp(NOW - 10 * DAY, datetime.UTC)
ISSUER = {"name": "Immigration", "country": "HKG", "country_code": "HKG"}


def record(kind: str = "idcard", *, expires: str | None = "2027-01-15", **changes: Any) -> Record:
    details = {"type": kind, "document_number": "A1234563", "issuer": ISSUER}
    if expires is not None:
        details["date_of_expiry"] = datetime.date.fromisoformat(expires)
    check = {"organization": "Immigration", "time": LINKED}
    verification = {
        "trust_framework": "urn:example:register",
        "time": LINKED,
        "verification_process": f"process-{kind}",
        "evidence": [
            {
                "type": "document",
                "check_details": [{"check_method": "data", **check}, {"check_method": "bvr", **check}],
                "document_details": details,
            }
        ],
    }
    facts = Facts(
        {"birthdate": "1990-01-01", "nationalities": ["CHN"]},
        {"name": {"zh-Hant": "陳大文", "en": "CHAN TAI MAN"}},
    )
    return Record({**verification, **changes}, facts)


def told(asked: Any, *records: Record, now: int = NOW, locales: str = "") -> Any:
    return answer(verified_claims.parse(asked), records or [record()], now=now, locales=locales)


def evidence(**parts: Any) -> dict[str, Any]:
    return {"type": {"value": "document"}, **parts}


def test_everything_that_is_asked_for_and_known_is_told() -> None:
    asked = request(
        evidence(
            check_details=[{"check_method": None, "organization": None, "time": None, "check_id": None}],
            document_details={
                "type": None,
                "document_number": None,
                "date_of_issuance": None,
                "date_of_expiry": None,
                "serial_number": None,
                "issuer": {"name": None, "country": None, "jurisdiction": None},
            },
            attachments=None,
        ),
        time=None,
        verification_process=None,
        assurance_level=None,
        claims={"name#zh-Hant": None, "birthdate": None, "nationalities": None, "address": None},
    )
    check = {"organization": "Immigration", "time": "2027-01-05T08:00:00Z"}
    assert told(asked) == {
        "verification": {
            "trust_framework": "urn:example:register",
            "time": "2027-01-05T08:00:00Z",
            "verification_process": "process-idcard",
            "evidence": [
                {
                    "type": "document",
                    "check_details": [{"check_method": "data", **check}, {"check_method": "bvr", **check}],
                    "document_details": {
                        "type": "idcard",
                        "document_number": "A1234563",
                        "date_of_expiry": "2027-01-15",
                        "issuer": {"name": "Immigration", "country": "HKG"},
                    },
                }
            ],
        },
        "claims": {"name#zh-Hant": "陳大文", "birthdate": "1990-01-01", "nationalities": ["CHN"]},
    }


def test_nothing_is_told_that_was_not_asked_for() -> None:
    """IDA §7: of the verification neither."""
    assert told(request(claims={"birthdate": None})) == {
        "verification": {"trust_framework": "urn:example:register"},
        "claims": {"birthdate": "1990-01-01"},
    }
    assert told(request(evidence(), claims={"birthdate": None}))["verification"]["evidence"] == [{"type": "document"}]


def test_names_are_told_in_the_languages_that_are_wanted() -> None:
    assert told(request(), locales="en")["claims"] == {"name": "CHAN TAI MAN", "name#en": "CHAN TAI MAN"}
    assert told(request(claims={"name#zh-HK": None}))["claims"] == {"name#zh-HK": "陳大文"}


@pytest.mark.parametrize(
    "asked",
    [
        request(trust_framework={"value": "eidas"}),
        request(trust_framework={"values": ["eidas", "de_aml"]}),
        request(trust_framework={"values": []}),
        request(time={"value": "2027-01-05"}),
        request(time={"max_age": 10 * DAY - 1}),
        request(verification_process={"max_age": 10**9}),
        request(assurance_level={"value": "high"}),
        request(assurance_process={"policy": {"value": "x"}}),
        request(evidence(method={"value": "pipp"})),
        request({"type": {"value": "vouch"}}),
        request(evidence(document_details={"type": {"value": "passport"}})),
        request(evidence(document_details={"type": None, "document_number": {"value": "B1234567"}})),
        request(evidence(document_details={"type": None, "date_of_issuance": {"max_age": 10**9}})),
        request(evidence(document_details={"type": None, "serial_number": {"value": "1"}})),
        request(evidence(document_details={"issuer": {"country": {"values": ["MAC", "CHN"]}}})),
        request(evidence(document_details={"issuer": {"locality": {"value": "x"}}})),
        request(evidence(check_details=[{"check_method": {"value": "vcrypt"}}])),
        request(evidence(check_details=[{"check_method": {"value": "bvr"}, "organization": {"value": "Another"}}])),
        request(evidence(check_details=[{"check_method": None, "time": {"max_age": 1}}])),
    ],
)
def test_a_condition_that_is_not_met_leaves_nothing(asked: Any) -> None:
    """invalid solely because of one condition (IDA §5.7.4): the claims would be taken for verified as it says."""
    assert told(asked) is None
    assert told([asked, request()]) == [told(request())]


@pytest.mark.parametrize(
    "asked",
    [
        request(trust_framework={"value": "urn:example:register"}),
        request(trust_framework={"values": ["eidas", "urn:example:register"]}),
        request(time={"max_age": 10 * DAY}),
        request(evidence(document_details={"type": {"values": ["passport", "idcard"]}})),
        request(evidence(document_details={"type": None, "document_number": {"value": "A1234563"}})),
        request(evidence(document_details={"issuer": {"country": {"value": "HKG"}}})),
        request(evidence(check_details=[{"check_method": {"value": "vcrypt"}}, {"check_method": {"value": "bvr"}}])),
        request(evidence(check_details=[{"organization": {"value": "Immigration"}}])),
        request({"type": {"value": "vouch"}}, evidence()),
    ],
)
def test_a_condition_that_is_met_is_no_obstacle(asked: Any) -> None:
    assert told(asked)["claims"] == told(request())["claims"]


@pytest.mark.parametrize(
    "asked",
    [
        request(assurance_level={"essential": True}),
        request(evidence(document_details={"type": None, "date_of_issuance": {"essential": True}})),
        request(evidence(document_details={"document_number": {"essential": True}})),
        request(evidence(check_details=[{"time": {"essential": True}}])),
    ],
)
def test_what_is_essential_and_cannot_be_told_leaves_nothing(asked: Any) -> None:
    """invalid solely because an essential part is not known, or has no part of its own to stand in."""
    assert told(asked) is None


def test_what_is_not_known_is_left_out_when_nothing_hangs_on_it() -> None:
    """IDA §5.7.2; ``essential: false`` is no condition."""
    asked = request(evidence(document_details={"type": None, "date_of_issuance": {"essential": False}}))
    assert told(asked)["verification"]["evidence"] == [{"type": "document", "document_details": {"type": "idcard"}}]


def test_a_part_without_what_every_answer_has_is_left_out() -> None:
    """IDA §5.7.5: neither a type nor a method is told unasked, and no answer lacks one."""
    asked = request(
        evidence(document_details={"document_number": None}, check_details=[{"time": None}, {"organization": None}])
    )
    assert told(asked)["verification"]["evidence"] == [{"type": "document"}]
    asked = request(evidence(document_details={"type": None, "issuer": {"jurisdiction": None}}))
    assert told(asked)["verification"]["evidence"] == [{"type": "document", "document_details": {"type": "idcard"}}]


def test_each_check_is_told_as_the_first_filter_that_fits_asks() -> None:
    """IDA §5.4: several entries are alternatives."""
    asked = request(evidence(check_details=[{"check_method": {"value": "bvr"}, "time": None}, {"check_method": None}]))
    assert told(asked)["verification"]["evidence"][0]["check_details"] == [
        {"check_method": "data"},
        {"check_method": "bvr", "time": "2027-01-05T08:00:00Z"},
    ]
    asked = request(evidence(check_details=[{"check_method": {"value": "bvr"}}]))
    assert told(asked)["verification"]["evidence"][0]["check_details"] == [{"check_method": "bvr"}]


@pytest.mark.parametrize(
    ("now", "max_age", "is_told"),
    [
        (1_800_028_799, 0, True),  # 2027-01-15 23:59:59 in Hong Kong: the last second of the last day
        (1_800_028_800, 0, False),
        (1_800_028_800, 1, True),
        (1_800_028_899, 100, True),
        (1_800_028_900, 100, False),
    ],
)
def test_the_age_of_a_day_counts_from_its_last_second(now: int, max_age: int, is_told: bool) -> None:
    """IDA §5.5.2: and a day that has not come has no age."""
    asked = request(evidence(document_details={"type": None, "date_of_expiry": {"max_age": max_age}}))
    assert (told(asked, now=now) is not None) is is_told


def test_a_document_without_an_end_has_no_age() -> None:
    asked = request(evidence(document_details={"type": None, "date_of_expiry": {"max_age": 10**9}}))
    assert told(asked, record(expires=None)) is None


def test_the_age_of_a_claim_leaves_out_that_claim_only() -> None:
    """IDA §5.7.4."""
    years = 365 * DAY
    born = {"birthdate": {"max_age": 30 * years}, "name#en": None}
    assert told(request(claims=born))["claims"] == {"name#en": "CHAN TAI MAN"}
    assert told(request(claims={"birthdate": {"max_age": 40 * years}}))["claims"] == {"birthdate": "1990-01-01"}
    assert told(request(claims={"nationalities": {"max_age": 40 * years}, "x": {"max_age": 1}})) is None


def test_a_claim_of_another_value_is_left_out_and_none_is_an_answer_of_none() -> None:
    """IDA §5.7.4, §5.7.5."""
    asked = {"birthdate": {"value": "1991-01-01"}, "nationalities": {"values": [["CHN"], ["PRT"]]}}
    assert told(request(claims=asked))["claims"] == {"nationalities": ["CHN"]}
    assert told(request(claims={"birthdate": {"value": "1991-01-01"}})) is None
    assert told(request(claims={"address": None, "birthdate#en": None})) is None


def test_the_first_record_that_meets_the_request_answers() -> None:
    records = [record("idcard"), record("passport")]
    shown = {"document_details": {"type": {"values": ["passport"]}}}
    assert told(request(evidence(**shown)), *records)["verification"]["evidence"][0]["document_details"] == {
        "type": "passport"
    }
    assert (
        told(request(verification_process=None), *records)["verification"]["verification_process"] == "process-idcard"
    )
    assert answer(request(), [], now=NOW) is None


def test_several_requests_are_answered_one_by_one() -> None:
    """IDA §5.6: an array for an array, and nothing for an array of which nothing can be met."""
    one = request(claims={"birthdate": None})
    other = request(time=None)
    assert told([one, request(trust_framework={"value": "x"}), other]) == [told(one), told(other)]
    assert told([one]) == [told(one)]
    assert told([request(trust_framework={"value": "x"})] * 2) is None


def test_times_are_in_utc() -> None:
    """IDA §9: a time zone tells where somebody was."""
    there = datetime.datetime(2027, 1, 5, 16, tzinfo=datetime.timezone(datetime.timedelta(hours=8)))
    assert told(request(time=None), record(time=there))["verification"]["time"] == "2027-01-05T08:00:00Z"


@given(REQUESTS)
def test_an_answer_is_a_part_of_what_was_asked_for(asked: Any) -> None:
    """Each leaf has a place in a request, a value that this one takes, and a whole around it."""
    found = told(asked)
    for item in [found] if isinstance(found, dict) else found or []:
        assert any(_answers(item, one) for one in verified_claims.each(asked)), item
        assert item["claims"]
        assert strict_json.loads(strict_json.dumps(item)) == item
        for shown in item["verification"].get("evidence", []):
            assert "type" in shown
            assert "type" in shown.get("document_details", {"type": 1})
            assert all("check_method" in check for check in shown.get("check_details", []))


@given(REQUESTS)
def test_an_unmet_condition_beside_anything_leaves_nothing(asked: Any) -> None:
    each = [
        {**one, "verification": {**one["verification"], "assurance_level": {"value": "high"}}}
        for one in verified_claims.each(asked)
    ]
    assert told(each) is None


@given(REQUESTS)
def test_narrowing_only_takes_away(asked: Any) -> None:
    """An answer to what is left never says more than the answer to the whole would."""
    allowed = {"name", "birthdate"}
    left = verified_claims.narrow(asked, allowed)
    short = None if left is None else answer(left, [record()], now=NOW)
    whole = list(_leaves(told(asked)))
    for path, value in _leaves(short):
        assert (path, value) in whole
        assert path[0] != "verification" or "evidence" not in path


def _leaves(item: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Without the places in arrays, which differ where one of them is left out."""
    if isinstance(item, dict):
        for name, inner in item.items():
            yield from _leaves(inner, (*path, name))
    elif isinstance(item, list):
        for inner in item:
            yield from _leaves(inner, path)
    elif item is not None:
        yield path, item


def _answers(item: dict[str, Any], one: Any) -> bool:
    claims = {name.partition("#")[0] for name in one["claims"]}
    if not {name.partition("#")[0] for name in item["claims"]} <= claims:
        return False
    return _fits(item["verification"], one["verification"])


def _fits(value: Any, asked: Any) -> bool:
    if isinstance(value, dict):
        return all(name in asked and _fits(inner, asked[name]) for name, inner in value.items())
    if isinstance(value, list):
        return all(any(_fits(inner, one) for one in asked) for inner in value)
    listed = values(asked)
    return listed is None or value in listed
