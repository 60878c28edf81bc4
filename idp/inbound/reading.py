"""Reading a request from a socket within bounds of bytes and time."""

import io
import socket
import time
from typing import Any

MAX_HEADER = 16 * 1024  # bytes of request line and header together; a DPoP-bound request needs about 4 KiB
DRAIN_BYTES = 256 * 1024  # of a refused body read and thrown away, so that the client sees the answer and not a reset


class HeaderTooLarge(Exception):
    pass


class TooSlow(Exception):
    pass


class _Timed(io.RawIOBase):
    """A socket as a raw stream whose reads all end by one deadline."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection = connection
        self.deadline = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TooSlow
        self._connection.settimeout(left)
        try:
            return self._connection.recv_into(buffer)
        except TimeoutError as error:
            raise TooSlow from error


class BoundedReader:
    """What the base class reads a request from: a header of at most `MAX_HEADER` bytes, all by the deadline."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection = connection
        self._raw = _Timed(connection, seconds)
        self._buffer = io.BufferedReader(self._raw)
        self._header_bytes = 0

    def readline(self, limit: int = -1) -> bytes:
        left = MAX_HEADER - self._header_bytes
        line = self._buffer.readline(left + 1)
        self._header_bytes += len(line)
        if len(line) > left:
            raise HeaderTooLarge
        return line

    def read(self, size: int) -> bytes:
        return self._buffer.read(size)

    def drain(self) -> None:
        """Read a little of what is left unread: closing over it would reset the answer away."""
        try:
            self._connection.shutdown(socket.SHUT_WR)
            self._raw.deadline = time.monotonic() + 0.5
            left = DRAIN_BYTES
            while left > 0 and (chunk := self._buffer.read1(16_384)):
                left -= len(chunk)
        except (OSError, ValueError, TooSlow):
            return

    def close(self) -> None:
        self._buffer.close()

    @property
    def closed(self) -> bool:
        return self._buffer.closed
