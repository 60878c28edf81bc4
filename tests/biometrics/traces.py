"""Looking for a face where none may be: in logs, audit events and pages."""

import base64
import logging
from collections.abc import Iterator

import pytest


def needles(secret: bytes) -> Iterator[str]:
    """How pieces of ``secret`` would look in a text: raw, escaped, hexadecimal, base64 in each of its alignments."""
    for start in range(len(secret) // 3, len(secret) - 24, max(1, len(secret) // 16)):
        piece = secret[start : start + 24]
        if len(set(piece)) < 6:
            continue
        yield piece.decode("latin-1")
        yield repr(piece)[2:-1]
        yield piece.hex()
        for shift in range(3):
            yield base64.b64encode(piece[shift:])[:28].decode().rstrip("=")
            yield base64.urlsafe_b64encode(piece[shift:])[:28].decode().rstrip("=")
        yield ", ".join(str(byte) for byte in piece[:8])  # as arrays and lists of numbers are written
        yield " ".join(str(byte) for byte in piece[:8])


def of_a_face(template: bytes, *pictures: bytes) -> list[str]:
    return [needle for secret in (template, *pictures) for needle in needles(secret)]


class Everything(logging.Handler):
    """All that any logger is told, tracebacks included."""

    def __init__(self) -> None:
        super().__init__(level=0)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logging.Formatter("%(name)s %(message)s").format(record))


@pytest.fixture
def everything() -> Iterator[Everything]:
    handler, root = Everything(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(0)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)
