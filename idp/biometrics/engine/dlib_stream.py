"""Primitives of dlib's serialisation (dlib ``serialize.h``, ``tensor_tools``): bounded reads, nothing else.

An integer is a control byte (sign in 0x80, 0x70 zero, count of bytes in 0x0F) and its absolute value, little endian.
A float is two integers, *mantissa first*, then the exponent of two. A bool is one ASCII byte. A tensor's data are raw
little-endian float32.
"""

import math

import numpy as np

from idp.biometrics.engine.dlib_layers import Floats

MAX_STRING = 64  # the longest name in the file has 21 bytes
NOT_FINITE = 32000  # dlib's exponents from here on stand for infinities and NaN
MAX_EXPONENT = 1100


class UnableToReadWeights(RuntimeError):
    """The weights file is missing, is not the one that this program knows, or is not laid out as it must be."""


class Stream:
    """A cursor over bytes; every read is bounded and raises `UnableToReadWeights` beyond them."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.offset = 0

    def _take(self, count: int) -> bytes:
        end = self.offset + count
        if count < 0 or end > len(self._data):
            raise self.fault(f"{count} bytes wanted, {len(self._data) - self.offset} left")
        taken = self._data[self.offset : end]
        self.offset = end
        return taken

    def fault(self, what: str) -> UnableToReadWeights:
        """The error to raise for ``what``, with the place."""
        return UnableToReadWeights(f"dlib weights, byte {self.offset}: {what}")

    def integer(self) -> int:
        """Read one integer of 1 to 8 bytes."""
        control = self._take(1)[0]
        count = control & 0x0F
        if control & 0x70 or not 1 <= count <= 8:
            raise self.fault(f"control byte {control:#04x} begins no integer")
        value = int.from_bytes(self._take(count), "little")
        return -value if control & 0x80 else value

    def integers(self, count: int) -> tuple[int, ...]:
        """Read ``count`` integers."""
        return tuple(self.integer() for _ in range(count))

    def expect(self, wanted: int, what: str) -> None:
        """Read one integer, which must be ``wanted``."""
        found = self.integer()
        if found != wanted:
            raise self.fault(f"{what} is {found}, expected {wanted}")

    def number(self) -> float:
        """Read one finite float."""
        mantissa, exponent = self.integer(), self.integer()
        if abs(exponent) > MAX_EXPONENT or exponent >= NOT_FINITE:
            raise self.fault("a float that is not finite")
        try:
            return math.ldexp(mantissa, exponent)
        except OverflowError:
            raise self.fault("a float that is not finite") from None

    def numbers(self, count: int) -> tuple[float, ...]:
        """Read ``count`` floats."""
        return tuple(self.number() for _ in range(count))

    def flag(self) -> bool:
        """Read one bool: ASCII 0 or 1."""
        byte = self._take(1)
        if byte not in (b"0", b"1"):
            raise self.fault("a bool is neither 0 nor 1")
        return byte == b"1"

    def string(self) -> str:
        """Read one short ASCII string."""
        length = self.integer()
        if not 0 <= length <= MAX_STRING:
            raise self.fault(f"a string of {length} bytes")
        raw = self._take(length)
        if not raw.isascii():
            raise self.fault("a string that is not ASCII")
        return raw.decode("ascii")

    def shape(self, version: int, what: str) -> tuple[int, int, int, int]:
        """Read a version and the four dimensions (samples, channels, rows, columns), none negative."""
        self.expect(version, f"version of {what}")
        samples, channels, rows, columns = self.integers(4)
        if min(samples, channels, rows, columns) < 0:
            raise self.fault(f"negative dimension of {what}")
        return samples, channels, rows, columns

    def tensor(self, wanted: int) -> Floats:
        """Read a tensor of exactly ``wanted`` finite float32, flattened."""
        samples, channels, rows, columns = self.shape(2, "tensor")
        if samples * channels * rows * columns != wanted:
            raise self.fault(f"a tensor of {samples}x{channels}x{rows}x{columns}, expected {wanted} values")
        values = np.frombuffer(self._take(4 * wanted), dtype="<f4").astype(np.float32)
        if not np.isfinite(values).all():
            raise self.fault("a weight that is not finite")
        return values

    def open_tensor(self) -> Floats:
        """Read a tensor whose size only the layer that follows tells; it is bounded by the bytes left."""
        start = self.offset
        samples, channels, rows, columns = self.shape(2, "tensor")
        self.offset = start
        return self.tensor(samples * channels * rows * columns)

    def alias(self, wanted: tuple[int, int, int, int]) -> None:
        """Read a view's shape, which must be ``wanted``."""
        found = self.shape(1, "alias")
        if found != wanted:
            raise self.fault(f"an alias of {found}, expected {wanted}")

    def end(self) -> None:
        """Nothing may be left."""
        if self.offset != len(self._data):
            raise self.fault(f"{len(self._data) - self.offset} bytes left over")
