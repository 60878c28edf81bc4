"""Numbers that circulate as examples and are none, and good ones that a careless rule would stop."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import documents
from idp.protocol.documents import Check

TODAY = date(2027, 1, 15)


@pytest.mark.parametrize("number", ["11010519491231002X", "440524188001010014", "52030219891209794X"])
def test_good_resident_identity_numbers_pass(number: str) -> None:
    """A validator that refuses everything would pass all the others."""
    assert documents.prc_identity_number(number, today=TODAY) is Check.SUCCESSFUL


@pytest.mark.parametrize("number", ["810000199001010019", "820000199001010010"])
def test_residence_permits_follow_the_same_rule(number: str) -> None:
    """A table of regions without 81 and 82 would stop people of Hong Kong and Macao."""
    assert documents.prc_identity_number(number, today=TODAY) is Check.SUCCESSFUL


def identity_number(body: str) -> str:
    """``body`` of 17 digits with its right check character, by trying all eleven."""
    weights = [pow(2, 17 - place, 11) for place in range(17)]  # ISO 7064 MOD 11-2, written another way
    total = sum(weight * int(digit) for weight, digit in zip(weights, body, strict=True))
    return body + "0123456789X"[(1 - total) % 11]


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("511324199612163557", id="the check digit; published as valid by one library"),
        pytest.param("11010519491231002x", id="a small x"),
        pytest.param("1101051949123100 2X", id="a space"),
        pytest.param("110105491231002", id="the old form of 15 digits"),
        pytest.param(identity_number("00010519491231002"), id="a region of zeros"),
        pytest.param(identity_number("99010519491231002"), id="a region that does not exist"),
        pytest.param(identity_number("11010519490231002"), id="31 February"),
        pytest.param(identity_number("11010519000229002"), id="29 February 1900"),
        pytest.param(identity_number("11010520270116002"), id="a birth tomorrow"),
        pytest.param("１1010519491231002X", id="a digit of full width"),
        pytest.param("", id="nothing"),
    ],
)
def test_resident_identity_numbers_that_cannot_be_are_found(number: str) -> None:
    """invalid solely because of what its id says (GB 11643-1999)."""
    assert documents.prc_identity_number(number, today=TODAY) is Check.FAILED


def test_leap_day_of_a_leap_century_passes() -> None:
    """The year 2000 had a 29 February."""
    assert documents.prc_identity_number(identity_number("11010520000229002"), today=TODAY) is Check.SUCCESSFUL


@pytest.mark.parametrize(("number", "sex"), [("11010519491231002X", "F"), ("440524188001010014", "M")])
def test_sex_is_read_from_the_seventeenth_digit(number: str, sex: str) -> None:
    """The eighteenth, the check character, would give the other one here."""
    assert documents.prc_sex(number) == sex


@given(st.integers(0, 16), st.integers(1, 9), st.integers(0, 998))
def test_any_one_wrong_digit_of_an_identity_number_is_found(place: int, change: int, sequence: int) -> None:
    """MOD 11-2 finds every single error; a wrong weight would let some through."""
    good = identity_number(f"11010519491231{sequence:03}")
    wrong = good[:place] + str((int(good[place]) + change) % 10) + good[place + 1 :]
    assert documents.prc_identity_number(good, today=TODAY) is Check.SUCCESSFUL
    assert documents.prc_identity_number(wrong, today=TODAY) is Check.FAILED


HKIDS = ["A123456(3)", "AB123456(9)", "E364912(5)", "AB987654(3)", "P131609(9)", "D288754(2)", "Z437626(A)"]
HKIDS += ["G123456(A)"]


@pytest.mark.parametrize("number", HKIDS)
def test_good_hong_kong_identity_cards_pass(number: str) -> None:
    """With brackets as printed, and without as typed."""
    assert documents.hkid(number) is Check.SUCCESSFUL
    assert documents.hkid(number.replace("(", "").replace(")", "")) is Check.SUCCESSFUL


@pytest.mark.parametrize(
    "number",
    ["K034178(2)", "A123456(9)", "a123456(3)", "A123456(3", "A1234563)", "ABC123456(9)", "A12345(3)", "A123456(B)", ""],
)
def test_hong_kong_identity_cards_that_cannot_be_are_found(number: str) -> None:
    """invalid solely because of the check character or the form; the first two circulate as examples."""
    assert documents.hkid(number) is Check.FAILED


@given(st.sampled_from(HKIDS), st.integers(1, 10))
def test_only_one_check_character_fits(number: str, change: int) -> None:
    """A rule that takes several would find few errors."""
    checks = "0123456789A"
    wrong = checks[(checks.index(number[-2]) + change) % 11]
    assert documents.hkid(f"{number[:-2]}{wrong})") is Check.FAILED


@pytest.mark.parametrize("number", ["1/234567/0", "1234567(0)", "12345670", "5686611(1)", "7123456(8)"])
def test_no_macao_card_is_stopped_by_the_disputed_formula(number: str) -> None:
    """The published formula does not fit 5686611(1), a real card: it decides nothing."""
    assert documents.macau_bir(number) is Check.UNDETERMINED


@pytest.mark.parametrize(("number", "fits"), [("1/234567/0", True), ("5686611(1)", False), ("K034178(2)", None)])
def test_formula_of_macao_cards_is_told_as_advice(number: str, fits: bool | None) -> None:
    """An officer sees what it says."""
    assert documents.macau_bir_formula(number) is fits


@pytest.mark.parametrize("number", ["2234567(0)", "0234567(0)", "123456(0)", "1234567(A)", "1/2345670", "1234567(0"])
def test_numbers_of_no_macao_card_are_found(number: str) -> None:
    """invalid solely because of the first digit or the form."""
    assert documents.macau_bir(number) is Check.FAILED


@pytest.mark.parametrize(
    ("number", "check"),
    [
        ("C12345678", Check.UNDETERMINED),
        ("CA1234567", Check.UNDETERMINED),
        ("CZ1234567", Check.UNDETERMINED),
        ("CI1234567", Check.FAILED),
        ("CO1234567", Check.FAILED),
        ("W12345678", Check.FAILED),
        ("C1234567", Check.FAILED),
        ("C123456789", Check.FAILED),
        ("CAA123456", Check.FAILED),
        ("C12345678\n", Check.FAILED),
    ],
)
def test_exit_entry_permits(number: str, check: Check) -> None:
    """Old and new series; I and O are never the second letter."""
    assert documents.exit_entry_permit(number) is check


@pytest.mark.parametrize(
    ("number", "check"),
    [
        ("H12345678", Check.UNDETERMINED),
        ("M12345678", Check.UNDETERMINED),
        ("H1234567800", Check.UNDETERMINED),
        ("HA1234567", Check.UNDETERMINED),
        ("MA1234567", Check.UNDETERMINED),
        ("HB1234567", Check.FAILED),
        ("A12345678", Check.FAILED),
        ("H1234567", Check.FAILED),
        ("H123456780", Check.FAILED),
        ("HA12345678", Check.FAILED),
    ],
)
def test_home_return_permits(number: str, check: Check) -> None:
    """Before 2013, since 2013, and for non-Chinese residents since 2024."""
    assert documents.home_return_permit(number) is check


def test_home_return_permit_is_the_same_after_its_renewal() -> None:
    """The renewal count of the old card must not make its holder another person."""
    assert documents.home_return_permit_lifetime("H1234567802") == documents.home_return_permit_lifetime("H12345678")


@pytest.mark.parametrize(
    ("document_type", "number", "check"),
    [
        ("hkid", "A123456(3)", Check.SUCCESSFUL),
        ("bir", "5686611(1)", Check.UNDETERMINED),
        ("eep", "CA1234567", Check.UNDETERMINED),
        ("hrp", "X12345678", Check.FAILED),
        ("prc_id", "11010519491231002X", Check.SUCCESSFUL),
        ("passport", "K12345599", Check.NOT_SUPPORTED),
        ("library card", "1", Check.NOT_SUPPORTED),
    ],
)
def test_each_document_has_its_own_rule(document_type: str, number: str, check: Check) -> None:
    """A number checked by another document's rule would be refused or passed by chance."""
    assert documents.check_number(document_type, number, today=TODAY) is check


@given(st.text(max_size=20) | st.from_regex(r"[A-Z0-9/()]{7,18}", fullmatch=True))
def test_any_text_gets_an_answer(text: str) -> None:
    """An exception would stop an officer's form."""
    for document_type in ("hkid", "bir", "eep", "hrp", "prc_id", "passport"):
        assert documents.check_number(document_type, text, today=TODAY) in Check
    documents.macau_bir_formula(text)
