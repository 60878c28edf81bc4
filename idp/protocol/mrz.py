"""Machine readable zones: ICAO Doc 9303 TD1, TD2 and TD3, and the one line of the Exit-Entry Permit.

The Home Return Permit's zone deviates from ICAO and its layout is not published: it is not read here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from idp.protocol.refusals import Reason, Refusal

FUTURE_YEARS = 15  # an expiry further ahead than this is of the last century (BSI TR-03135-1 §5.7.1)

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUES: Mapping[str, int] = {"<": 0, **{char: value for value, char in enumerate(_ALPHABET)}}
_WEIGHTS = (7, 3, 1)


@dataclass(frozen=True)
class Zone:
    """What a zone says. Days are "YYMMDD" as printed: a century is a judgement, see `expiry_day` and `birth_day`.

    A field that its kind does not have is empty. ``checks`` holds for each check digit whether it is right, "composite"
    among them. Names carry none.
    """

    kind: str  # the document code, without fillers
    issuer: str
    number: str
    birth: str
    expiry: str
    sex: str  # F, M, or X where a zone has a filler
    nationality: str
    surname: str
    given_names: str
    optional: str
    checks: Mapping[str, bool]

    @property
    def good(self) -> bool:
        return all(self.checks.values())


def check_digit(text: str) -> str:
    """The check digit of ``text`` (ICAO Doc 9303-3 §4.9): weights 7, 3, 1, modulus 10. Raises `Refusal` (malformed)."""
    try:
        total = sum(_VALUES[char] * _WEIGHTS[place % 3] for place, char in enumerate(text))
    except KeyError as error:
        raise Refusal(Reason.MALFORMED, "a character that no machine readable zone has") from error
    return str(total % 10)


def parse(lines: Sequence[str]) -> Zone:
    """Read a zone by the number and length of its lines; raises `Refusal` (malformed). Check digits are reported."""
    readers: dict[tuple[int, int], Callable[..., Zone]] = {
        (3, 30): _td1,
        (2, 36): _td2,
        (2, 44): _td3,
        (1, 30): _exit_entry_permit,
    }
    shape = (len(lines), len(lines[0]) if lines else 0)
    if shape not in readers or any(len(line) != shape[1] or not set(line) <= _VALUES.keys() for line in lines):
        raise Refusal(Reason.MALFORMED, "not the lines of a machine readable zone")
    return readers[shape](*lines)


def expiry_day(digits: str, *, today: date) -> date:
    """The day of expiry "YYMMDD": within 15 years ahead, or past. Raises `Refusal` (malformed)."""
    ahead = _day(digits, today.year - today.year % 100)
    if ahead.year > today.year + FUTURE_YEARS:
        return _day(digits, ahead.year - int(digits[:2]) - 100)
    if ahead.year + 100 <= today.year + FUTURE_YEARS:  # near the end of a century
        return _day(digits, ahead.year - int(digits[:2]) + 100)
    return ahead


def birth_day(digits: str, *, today: date) -> date:
    """The day of birth "YYMMDD": the latest that is not in the future. Raises `Refusal` (malformed)."""
    century = today.year - today.year % 100
    try:
        day = _day(digits, century)
    except Refusal:  # 29 February is a day in one century and not in another
        return _day(digits, century - 100)
    return day if day <= today else _day(digits, century - 100)


def _td1(first: str, second: str, third: str) -> Zone:
    number, optional, checks = _long_number(first)
    checks |= _dates(second[0:7], second[8:15])
    checks["composite"] = _right(first[5:30] + second[0:7] + second[8:15] + second[18:29], second[29])
    return _zone(first, third, number, second[0:6], second[7], second[8:14], second[15:18], optional, checks)


def _td2(first: str, second: str) -> Zone:
    checks = {"number": _right(second[0:9], second[9])} | _dates(second[13:20], second[21:28])
    checks["composite"] = _right(second[0:10] + second[13:20] + second[21:35], second[35])
    number, optional = _trim(second[0:9]), _trim(second[28:35])
    return _zone(first, first[5:], number, second[13:19], second[20], second[21:27], second[10:13], optional, checks)


def _td3(first: str, second: str) -> Zone:
    checks = {"number": _right(second[0:9], second[9])} | _dates(second[13:20], second[21:28])
    empty = not _trim(second[28:42])  # then the digit may be a filler as well as 0 (Doc 9303-4 §4.2.2.2)
    checks["optional"] = _right(second[28:42], second[42]) or (empty and second[42] == "<")
    checks["composite"] = _right(second[0:10] + second[13:20] + second[21:43], second[43])
    number, optional = _trim(second[0:9]), _trim(second[28:42])
    return _zone(first, first[5:], number, second[13:19], second[20], second[21:27], second[10:13], optional, checks)


def _exit_entry_permit(line: str) -> Zone:
    """``CS`` (Hong Kong and Macao) or ``CD`` (Taiwan), number, expiry *before* birth, each with its digit."""
    if line[0:2] not in ("CS", "CD") or line[12] + line[20] + line[28] != "<<<":
        raise Refusal(Reason.MALFORMED, "not the line of an Exit-Entry Permit")
    checks = {"number": _right(line[2:11], line[11])} | _dates(line[21:28], line[13:20])
    checks["composite"] = _right(line[2:12] + line[13:20] + line[21:28], line[29])
    return Zone(line[0:2], "CHN", _trim(line[2:11]), line[21:27], line[13:19], "", "", "", "", "", checks)


def _long_number(line: str) -> tuple[str, str, dict[str, bool]]:
    """Number and optional data of a TD1; a number over nine characters goes on there (Doc 9303-5 §4.2.2, note j)."""
    if line[14] != "<":
        return _trim(line[5:14]), _trim(line[15:30]), {"number": _right(line[5:14], line[14])}
    head, _, rest = line[15:30].partition("<")
    number = line[5:14] + head[:-1]
    return number, _trim(rest), {"number": bool(head) and _right(number, head[-1])}


def _zone(
    first: str,
    names: str,
    number: str,
    birth: str,
    sex: str,
    expiry: str,
    nationality: str,
    optional: str,
    checks: Mapping[str, bool],
) -> Zone:
    surname, _, given = _trim(names).partition("<<")
    return Zone(
        kind=_trim(first[0:2]),
        issuer=_trim(first[2:5]),
        number=number,
        birth=birth,
        expiry=expiry,
        sex={"F": "F", "M": "M"}.get(sex, "X"),
        nationality=_trim(nationality),
        surname=surname.replace("<", " "),
        given_names=given.replace("<", " "),
        optional=optional,
        checks=checks,
    )


def _dates(birth: str, expiry: str) -> dict[str, bool]:
    """Check digits of two fields of six characters and their digit."""
    return {"birth": _right(birth[:6], birth[6]), "expiry": _right(expiry[:6], expiry[6])}


def _right(text: str, digit: str) -> bool:
    return check_digit(text) == digit


def _trim(text: str) -> str:
    return text.rstrip("<")


def _day(digits: str, century: int) -> date:
    try:
        if len(digits) == 6 and digits.isascii() and digits.isdigit():
            return date(century + int(digits[0:2]), int(digits[2:4]), int(digits[4:6]))
    except ValueError:
        pass
    raise Refusal(Reason.MALFORMED, "not a day of the calendar")
