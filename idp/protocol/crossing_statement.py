"""Crossing statements: what an authority's books say of the crossings that it shares with one other authority.

``typ crossing-statement+jwt``, signed by a border key. Two authorities compare their books by them (protocol.md,
Records). A statement is one page of one book for one period, and says no more than receipts did: token, checkpoint,
direction and time.

``confirmed``: crossings at the issuer's gates on the audience's tokens. ``received``: crossings of which the audience
told the issuer by receipt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from idp.protocol import jws, strict_json
from idp.protocol.jws import Signer, TokenType
from idp.protocol.keys import KeySet, PrivateKey
from idp.protocol.receipts import DIRECTIONS, MAX_ID
from idp.protocol.refusals import Reason, Refusal

BOOKS = ("confirmed", "received")
MAX_CROSSINGS = 400  # of one page, so that it stays below what a node reads of an answer, however long the names are
CLAIMS = ("iss", "aud", "iat", "book", "since", "until", "after", "crossings", "more")

CROSSING_STATEMENT = TokenType("crossing-statement+jwt", required=CLAIMS, max_bytes=524_288)

Place = tuple[int, str]  # ``at`` and ``token_jti``: where in the book a page begins or ends
BEGINNING: Place = (0, "")


@dataclass(frozen=True, order=True)
class Told:
    """One crossing as its receipt tells it; books are in the order of ``at``, then ``token_jti``."""

    at: int
    token_jti: str
    checkpoint: str
    direction: str

    @property
    def place(self) -> Place:
        return self.at, self.token_jti


@dataclass(frozen=True)
class Statement:
    """A verified page: all crossings from ``since`` up to before ``until`` that come behind ``after``, up to a number.

    ``more``: there are others behind the last one. Times are seconds since 1970.
    """

    iss: str
    aud: str
    iat: int
    book: str
    since: int
    until: int
    after: Place
    crossings: tuple[Told, ...]
    more: bool


def sign_statement(statement: Statement, *, signer: Signer | PrivateKey) -> str:
    """Sign one page; refuses (malformed) to sign what `verify_statement` would refuse."""
    claims = {
        "iss": statement.iss,
        "aud": statement.aud,
        "iat": statement.iat,
        "book": statement.book,
        "since": statement.since,
        "until": statement.until,
        "after": list(statement.after),
        "crossings": [[item.token_jti, item.checkpoint, item.direction, item.at] for item in statement.crossings],
        "more": statement.more,
    }
    _read(claims)
    return jws.sign(CROSSING_STATEMENT, claims, signer)


def verify_statement(text: str | bytes, *, keys: KeySet, issuer: str, audience: str, now: int) -> Statement:
    """Verify a page by ``issuer`` (whose border keys are ``keys``) for us, ``audience``.

    Raises `Refusal`: malformed, bad_signature, not_yet_valid, wrong_audience, or untrusted_issuer. Statements do not
    expire: they are kept beside what was found by them.
    """
    claims = jws.verify(text, CROSSING_STATEMENT, keys, now=now).claims
    if claims["iss"] != issuer:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "iss is not the peer whose keys verify")
    jws.sole_audience(claims, audience)
    return _read(claims)


def unverified_issuer(text: str | bytes) -> str:
    """The ``iss`` that a statement claims, *unverified*: good for finding whose keys to ask for only."""
    return strict_json.string(jws.parse_unverified(text, CROSSING_STATEMENT).claims, "iss", max_length=MAX_ID)


def _read(claims: dict[str, Any]) -> Statement:
    if set(claims) != set(CLAIMS) or claims["book"] not in BOOKS or not isinstance(claims["more"], bool):
        raise Refusal(Reason.MALFORMED, "a statement has exactly its nine claims, and is of a known book")
    since, until = strict_json.integer(claims, "since"), strict_json.integer(claims, "until")
    after, crossings = _place(claims["after"]), _crossings(claims["crossings"])
    places = [after, *(item.place for item in crossings)]
    if any(one >= other for one, other in pairwise(places)):
        raise Refusal(Reason.MALFORMED, "crossings that are not in order, or one twice")
    if any(not since <= item.at < until for item in crossings) or (claims["more"] and not crossings):
        raise Refusal(Reason.MALFORMED, "a crossing outside the period, or a page that leads nowhere")
    return Statement(
        iss=strict_json.string(claims, "iss", max_length=MAX_ID),
        aud=strict_json.string(claims, "aud", max_length=MAX_ID),
        iat=strict_json.integer(claims, "iat"),
        book=claims["book"],
        since=since,
        until=until,
        after=after,
        crossings=crossings,
        more=claims["more"],
    )


def _crossings(value: object) -> tuple[Told, ...]:
    if not isinstance(value, list) or len(value) > MAX_CROSSINGS:
        raise Refusal(Reason.MALFORMED, f"crossings are a list of at most {MAX_CROSSINGS}")
    return tuple(_crossing(item) for item in value)


def _crossing(value: object) -> Told:
    if not isinstance(value, list) or len(value) != 4:
        raise Refusal(Reason.MALFORMED, "a crossing has token, checkpoint, direction and time")
    named = dict(zip(("token_jti", "checkpoint", "direction", "at"), value, strict=True))
    jti, checkpoint = (strict_json.string(named, name, max_length=MAX_ID) for name in ("token_jti", "checkpoint"))
    if named["direction"] not in DIRECTIONS:
        raise Refusal(Reason.MALFORMED, "direction is neither exit nor entry")
    return Told(strict_json.integer(named, "at"), jti, checkpoint, named["direction"])


def _place(value: object) -> Place:
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], str) or len(value[1]) > MAX_ID:
        raise Refusal(Reason.MALFORMED, "after is not a place in a book")
    return strict_json.integer({"at": value[0]}, "at"), value[1]


def follows(pages: Sequence[Statement]) -> bool:
    """Whether ``pages`` are one book of one issuer for one period, whole, in order."""
    if not pages or pages[0].after != BEGINNING or pages[-1].more:
        return False
    first = pages[0]
    return all(
        (page.iss, page.book, page.since, page.until) == (first.iss, first.book, first.since, first.until)
        for page in pages
    ) and all(one.more and other.after == one.crossings[-1].place for one, other in pairwise(pages))
