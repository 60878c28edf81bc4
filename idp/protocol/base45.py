"""Base45 (RFC 9285): bytes as the alphabet of a QR code's alphanumeric mode.

Two bytes become three characters, the least significant first; a last single byte becomes two.
"""

import struct

from idp.protocol.refusals import Reason, Refusal

ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
MAX_CHARACTERS = 4296  # the most that any QR code holds in alphanumeric mode (ISO/IEC 18004, version 40-L)

_BASE = len(ALPHABET)
_NONE = 255  # what stands for a character outside the alphabet
_TO_DIGIT = bytes(ALPHABET.index(code) if code in ALPHABET else _NONE for code in range(256))
_TO_CHARACTER = ALPHABET + bytes(256 - _BASE)


def encode(data: bytes) -> str:
    """Write ``data`` in Base45."""
    even = len(data) // 2
    values = struct.unpack(f">{even}H", data[: 2 * even])
    digits = bytearray(3 * even)
    digits[0::3] = bytes([value % _BASE for value in values])
    digits[1::3] = bytes([value // _BASE % _BASE for value in values])
    digits[2::3] = bytes([value // _BASE**2 for value in values])
    if len(data) % 2:
        digits += bytes((data[-1] % _BASE, data[-1] // _BASE))
    return digits.translate(_TO_CHARACTER).decode("ascii")


def decode(text: str) -> bytes:
    """Read Base45 in its one form; raises `Refusal` (malformed), also for more than `MAX_CHARACTERS`."""
    if len(text) > MAX_CHARACTERS or len(text) % 3 == 1 or not text.isascii():
        raise Refusal(Reason.MALFORMED, "not Base45, or too long")
    digits = text.encode("ascii").translate(_TO_DIGIT)
    if _NONE in digits:
        raise Refusal(Reason.MALFORMED, "a character outside Base45")
    whole = len(digits) // 3 * 3
    data = _pairs(digits[:whole])
    if whole < len(digits):
        last = digits[whole] + _BASE * digits[whole + 1]
        if last > 255:  # RFC 9285 §4.3
            raise Refusal(Reason.MALFORMED, "Base45 beyond its range")
        data += bytes((last,))
    return data


def _pairs(digits: bytes) -> bytes:
    """Two bytes for each three digits: all sums at once in one wide integer, four bytes a sum (it needs 17 bits)."""
    count = len(digits) // 3
    total = 0
    for place in range(3):
        lanes = bytearray(4 * count)
        lanes[3::4] = digits[place::3]
        total += int.from_bytes(lanes) * _BASE**place
    sums = total.to_bytes(4 * count)
    pairs = bytearray(2 * count)
    if any(sums[1::4]):
        raise Refusal(Reason.MALFORMED, "Base45 beyond its range")
    pairs[0::2], pairs[1::2] = sums[2::4], sums[3::4]
    return bytes(pairs)
