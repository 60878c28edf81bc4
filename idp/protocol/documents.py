"""Numbers of the travel documents of the three territories: their formats and check digits.

Each function answers a `Check`. *Failed* means that the number cannot be one of its kind, where a published source
says so; what is disputed or has no published rule is *undetermined*, advice for an officer and no ground to stop
anybody. The words are those of BSI TR-03135-1. Machine readable zones are in `idp.protocol.mrz`.
"""

import re
from datetime import date
from enum import StrEnum


class Check(StrEnum):
    """What looking at a number showed (BSI TR-03135-1)."""

    SUCCESSFUL = "successful"
    FAILED = "failed"
    UNDETERMINED = "undetermined"  # of the right form; no check digit that could be relied on
    NOT_SUPPORTED = "not supported"  # no published format


_PRC = re.compile(r"[1-9][0-9]{16}[0-9X]\Z")
_PRC_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_PRC_CHECKS = "10X98765432"
# GB/T 2260; 81 to 83 stand for residents of Hong Kong, Macao and Taiwan
_PRC_PROVINCES = frozenset((*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55)))
_PRC_PROVINCES |= {*range(61, 66), 71, 81, 82, 83}

_HKID = re.compile(r"([A-Z]{1,2})([0-9]{6})(?:\(([0-9A])\)|([0-9A]))\Z")
_BIR = re.compile(r"([0-9])([0-9]{6})(?:\(([0-9])\)|([0-9]))\Z")
_BIR_SLASHED = re.compile(r"([0-9])/([0-9]{6})/([0-9])\Z")
_BIR_FIRST = frozenset("157")
_EEP = re.compile(r"C(?:[0-9]{8}|[A-HJ-NP-Z][0-9]{7})\Z")  # the letters I and O are never used
_HRP = re.compile(r"(?:[HM][0-9]{8}|[HM][0-9]{10}|[HM]A[0-9]{7})\Z")


def check_number(document_type: str, number: str, *, today: date) -> Check:
    """Check the ``number`` of a document of ``document_type`` (eep, hrp, hkid, bir; others are not supported)."""
    checks = {"hkid": hkid, "bir": macau_bir, "eep": exit_entry_permit, "hrp": home_return_permit}
    if document_type == "prc_id":
        return prc_identity_number(number, today=today)
    return checks[document_type](number) if document_type in checks else Check.NOT_SUPPORTED


def prc_identity_number(number: str, *, today: date) -> Check:
    """Resident identity number, and that of the residence permit for people of the other territories.

    GB 11643-1999: six digits of region, birth date, three of sequence, ISO 7064 MOD 11-2 check character.
    """
    if not _PRC.match(number) or int(number[:2]) not in _PRC_PROVINCES:
        return Check.FAILED
    birth = _calendar_day(number[6:14])
    if birth is None or birth > today:
        return Check.FAILED
    total = sum(weight * int(digit) for weight, digit in zip(_PRC_WEIGHTS, number, strict=False))
    return _result(_PRC_CHECKS[total % 11] == number[17])


def prc_sex(number: str) -> str:
    """ "M" or "F" as the 17th digit of a valid resident identity number says: odd is male (GB 11643-1999)."""
    return "M" if int(number[16]) % 2 else "F"


def hkid(number: str) -> Check:
    """Hong Kong identity card, with or without brackets: one or two letters, six digits, check character 0 to 9 or A.

    Weights 9 to 2, modulus 11; a space (36) stands before a single letter, A to Z count 10 to 35.
    """
    found = _HKID.match(number)
    if not found:
        return Check.FAILED
    letters, digits, bracketed, bare = found.groups()
    values = [36 if char == " " else int(char, 36) for char in letters.rjust(2) + digits]
    remainder = -sum(weight * value for weight, value in zip(range(9, 1, -1), values, strict=True)) % 11
    return _result("0123456789A"[remainder] == (bracketed or bare))


def macau_bir(number: str) -> Check:
    """Macao resident identity card, with brackets, with slashes or bare: undetermined at best.

    The first digit is 1, 5 or 7. The one formula that is published does not fit all cards, see `macau_bir_formula`.
    """
    return Check.UNDETERMINED if _bir_digits(number) else Check.FAILED


def macau_bir_formula(number: str) -> bool | None:
    """Whether the published formula (weights 1 to 7, modulus 10) fits; None when it is not such a number.

    Real cards are known that it does not fit: what it says is a note for an officer, and decides nothing.
    """
    digits = _bir_digits(number)
    if digits is None:
        return None
    return sum(weight * int(digit) for weight, digit in enumerate(digits[:7], start=1)) % 10 == int(digits[7])


def exit_entry_permit(number: str) -> Check:
    """Permit to travel to and from Hong Kong and Macao: ``C`` and eight digits, since 2018-12-03 also a second letter.

    There is no public check digit.
    """
    return Check.UNDETERMINED if _EEP.match(number) else Check.FAILED


def home_return_permit(number: str) -> Check:
    """Mainland travel permit of Hong Kong (H) and Macao (M) residents: 9 characters, before 2013 11.

    Those for non-Chinese residents, since 2024-07-10, begin with HA or MA. There is no public check digit.
    """
    return Check.UNDETERMINED if _HRP.match(number) else Check.FAILED


def home_return_permit_lifetime(number: str) -> str:
    """What stays the same on every card of one holder: the first nine characters (the rest counts renewals)."""
    return number[:9]


def _bir_digits(number: str) -> str | None:
    found = _BIR.match(number) or _BIR_SLASHED.match(number)
    if not found or found[1] not in _BIR_FIRST:
        return None
    return "".join(part for part in found.groups() if part)


def _calendar_day(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None


def _result(good: bool) -> Check:
    return Check.SUCCESSFUL if good else Check.FAILED
