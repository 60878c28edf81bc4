"""Machine readable zones that are read in the wrong place, or believed without their check digits."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import mrz
from idp.protocol.refusals import Reason, Refusal

TODAY = date(2027, 1, 15)
TD3 = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
TD2 = ("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6")
TD1 = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")
HKSAR = ("P<CHNCHUNG<<KWOK<SUM<<<<<<<<<<<<<<<<<<<<<<<<", "K123455994CHN8008080F1702057HK8888888<<<<<36")
PERMITS = ("CSC123456788<3301018<9001011<4", "CSCA12345672<3301018<9001011<6")


@pytest.mark.parametrize(("text", "digit"), [("520727", "3"), ("AB2134<<<", "5"), ("K12345599", "4"), ("<<<", "0")])
def test_check_digits_are_those_of_the_standard(text: str, digit: str) -> None:
    """ICAO Doc 9303-3 §4.9."""
    assert mrz.check_digit(text) == digit


@pytest.mark.parametrize("lines", [TD1, TD2, TD3], ids=["TD1", "TD2", "TD3"])
def test_specimens_of_the_standard_are_read_alike(lines: tuple[str, ...]) -> None:
    """A field cut one place off would show here."""
    zone = mrz.parse(lines)
    assert zone.good
    assert (zone.surname, zone.given_names) == ("ERIKSSON", "ANNA MARIA")
    assert (zone.issuer, zone.nationality, zone.sex) == ("UTO", "UTO", "F")
    assert (zone.birth, zone.expiry) == ("740812", "120415")
    assert zone.number in ("L898902C3", "D23145890")
    assert zone.optional == ("ZE184226B" if lines is TD3 else "")


def test_passport_of_hong_kong_reads_as_chinese() -> None:
    """Whoever looked for HKG in the zone would find no Hong Kong passport at all."""
    zone = mrz.parse(HKSAR)
    assert zone.good
    assert (zone.issuer, zone.nationality, zone.number, zone.optional) == ("CHN", "CHN", "K12345599", "HK8888888")


@pytest.mark.parametrize("line", PERMITS)
def test_exit_entry_permit_has_its_expiry_before_its_birth(line: str) -> None:
    """Read in the order of ICAO, every permit would have expired in 1990."""
    zone = mrz.parse([line])
    assert zone.good
    assert (zone.kind, zone.number, zone.expiry, zone.birth) == ("CS", line[2:11], "330101", "900101")


@pytest.mark.parametrize("lines", [TD1, TD2, TD3, HKSAR, PERMITS[:1]], ids=["TD1", "TD2", "TD3", "HKSAR", "EEP"])
@given(data=st.data())
def test_wrong_digit_of_number_or_dates_is_found(lines: tuple[str, ...], data: st.DataObject) -> None:
    """A check digit that is not looked at would show here."""
    zone = mrz.parse(lines)
    field = data.draw(st.sampled_from([zone.number, zone.birth, zone.expiry]))
    row = next(place for place, line in enumerate(lines) if field in line)
    start = lines[row].index(field)
    place = data.draw(st.integers(start, start + len(field) - 1))
    old = lines[row][place]
    wrong = data.draw(st.sampled_from([char for char in "0123456789" if mrz.check_digit(char) != mrz.check_digit(old)]))
    changed = [*lines[:row], lines[row][:place] + wrong + lines[row][place + 1 :], *lines[row + 1 :]]
    assert not mrz.parse(changed).good


@pytest.mark.parametrize("filler", ["<", "0"])
def test_empty_personal_number_may_have_a_filler_for_its_digit(filler: str) -> None:
    """Both are printed; refusing one would stop a part of all passports (Doc 9303-4)."""
    second = f"L898902C36UTO7408122F1204159<<<<<<<<<<<<<<{filler}"
    second += mrz.check_digit(second[0:10] + second[13:20] + second[21:43])
    assert mrz.parse([TD3[0], second]).good


def test_filler_for_the_digit_of_a_personal_number_that_is_there_is_found() -> None:
    """invalid solely because the digit of a number that is not empty is a filler."""
    second = TD3[1][:42] + "<"
    second += mrz.check_digit(second[0:10] + second[13:20] + second[21:43])
    assert not mrz.parse([TD3[0], second]).checks["optional"]


def test_long_number_of_a_card_goes_on_in_its_optional_data() -> None:
    """Cut off at nine characters it would be another document's (Doc 9303-5)."""
    number = "D23145890734"
    first = f"I<UTO{number[:9]}<{number[9:]}{mrz.check_digit(number)}".ljust(30, "<")
    second = TD1[1][:29] + mrz.check_digit(first[5:30] + TD1[1][0:7] + TD1[1][8:15] + TD1[1][18:29])
    zone = mrz.parse([first, second, TD1[2]])
    assert (zone.number, zone.good) == (number, True)
    assert not mrz.parse([first.replace("734", "735"), second, TD1[2]]).good


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [""],
        [TD3[0]],
        [TD3[0], TD3[1][:-1]],
        [TD3[0], TD2[1]],
        [*TD1, TD1[2]],
        [TD3[0].lower(), TD3[1]],
        [TD3[0].replace("<", " "), TD3[1]],
        [PERMITS[0].replace("CS", "XX")],
        [PERMITS[0][:12] + "0" + PERMITS[0][13:]],
    ],
)
def test_lines_of_no_zone_are_refused(lines: list[str]) -> None:
    """invalid solely because of number, length, alphabet or layout."""
    with pytest.raises(Refusal) as caught:
        mrz.parse(lines)
    assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize(
    ("digits", "today", "day"),
    [
        ("330101", TODAY, date(2033, 1, 1)),
        ("420101", TODAY, date(2042, 1, 1)),
        ("430101", TODAY, date(1943, 1, 1)),
        ("990101", TODAY, date(1999, 1, 1)),
        ("050101", date(2095, 1, 1), date(2105, 1, 1)),
    ],
)
def test_century_of_an_expiry(digits: str, today: date, day: date) -> None:
    """Within fifteen years ahead, or past (BSI TR-03135-1)."""
    assert mrz.expiry_day(digits, today=today) == day


@pytest.mark.parametrize(
    ("digits", "day"),
    [
        ("270115", date(2027, 1, 15)),
        ("270116", date(1927, 1, 16)),
        ("000229", date(2000, 2, 29)),
        ("400229", date(1940, 2, 29)),
    ],
)
def test_century_of_a_birth(digits: str, day: date) -> None:
    """Nobody is born tomorrow."""
    assert mrz.birth_day(digits, today=TODAY) == day


@pytest.mark.parametrize("digits", ["", "90010", "9001011", "901301", "900230", "<<<<<<", "９00101"])
def test_what_is_no_day_is_refused(digits: str) -> None:
    """invalid solely because the calendar has no such day."""
    for read in (mrz.birth_day, mrz.expiry_day):
        with pytest.raises(Refusal):
            read(digits, today=TODAY)


@given(st.lists(st.text("<09AZ ß", max_size=45), max_size=4) | st.lists(st.text("<09AZ", min_size=30, max_size=30)))
def test_no_lines_make_the_reader_fail_otherwise(lines: list[str]) -> None:
    """An exception would stop an officer's reader."""
    try:
        zone = mrz.parse(lines)
    except Refusal as refusal:
        assert refusal.reason is Reason.MALFORMED
    else:
        assert zone.checks
