"""What the coordinator and the processes tell each other: travellers, requests for tokens, presentations, verdicts."""

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True)
class Document:
    """A travel document in its authority's register."""

    type: str
    number: str
    issued_by: str
    expires_on: date | None = None
    residence: str = ""


@dataclass(frozen=True)
class Leave:
    """An endorsement as it is given. ``document``: place among its holder's documents. ``entries`` None: no limit."""

    number: int
    person: int
    document: int
    kind: str
    destination: str
    valid_from: date
    valid_to: date
    entries: int | None
    stay_days: int
    word: str = ""  # of `histories.LEAVES`
    facts: tuple[tuple[str, Any], ...] = ()  # further fields of the row: weekly, …


@dataclass(frozen=True)
class Person:
    """A traveller: resident of ``home``, whose authority issues the tokens."""

    number: int
    home: str
    born: date
    documents: tuple[Document, ...]


@dataclass(frozen=True)
class Wanted:
    """A border token that a phone asks for at ``at``, and shows at each of ``shown_at`` with a proof of that moment."""

    number: int
    person: int
    document: int
    checkpoint: str
    direction: str
    at: int
    shown_at: tuple[int, ...]
    ahead: bool = False
    form: str = "cwt"
    stolen: bool = False  # it is shown by somebody who has the token and not its key


@dataclass(frozen=True)
class Handed:
    """What the phone got: the presentation for the first of ``shown_at``, or the code with which it was refused."""

    number: int
    jti: str = ""
    presentation: bytes | str = b""
    refused: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Shown:
    """A presentation at a lane, and the face before its camera."""

    number: int
    lane: str
    at: int
    presentation: bytes | str
    face: bytes
    live: bool = True


@dataclass(frozen=True)
class Seen:
    """What the lane decided: admit, refer or refuse; the rules that decided, where they were asked."""

    number: int
    word: str
    reason: str
    jti: str
    at: int  # by the lane's clock
    rules: tuple[str, ...] = ()
    released: bool = False  # by an officer's hand, afterwards


def face_of(person: int) -> bytes:
    """A face as the deterministic engine sees it: 128 bytes, each person's own."""
    return b"".join(hashlib.sha256(f"{person} {part}".encode()).digest() for part in range(4))
