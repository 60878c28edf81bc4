"""Two authorities compare their books: what each confirmed on the other's tokens, and what each was told of.

A peer states its books page by page, signed, on a request that its federation key signs. What was stated is kept as it
came, so that a comparison can be shown and done again.
"""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Collate
from django.http import QueryDict

from idp.border import confirmation
from idp.border.models import CrossingReceipt, OutgoingReceipt
from idp.conf import authority
from idp.federation import callers, fetching, resolution, signing
from idp.federation.models import Peer
from idp.protocol import client_assertion, crossing_statement
from idp.protocol.crossing_statement import BEGINNING, BOOKS, MAX_CROSSINGS, Place, Statement, Told
from idp.protocol.refusals import Reason, Refusal, Unavailable

CONTENT_TYPE = "application/crossing-statement+jwt"
FORM = "application/x-www-form-urlencoded"
FAR_AHEAD = 1 << 53  # seconds since 1970: behind whatever a lane's clock said
MAX_PAGES = 100_000  # of one book: forty million crossings


@dataclass(frozen=True)
class Disagreement:
    """A crossing on which the books differ; None where a book does not have it.

    ``book`` is the peer's. ``on_its_way``: it is missing there because our receipt has not been delivered yet.
    """

    book: str
    token_jti: str
    here: Told | None
    there: Told | None
    on_its_way: bool = False

    def __str__(self) -> str:
        if self.here is None:
            return f"missing here: {_said(self.there)}"
        if self.there is None:
            return f"missing there: {_said(self.here)}{' (not delivered yet)' if self.on_its_way else ''}"
        return f"differs: here {_said(self.here)}, there {_said(self.there)}"


@dataclass(frozen=True)
class Comparison:
    """How many crossings agree, and which do not."""

    agreed: int
    disagreements: tuple[Disagreement, ...]


def answer(form: QueryDict, *, now: int) -> str:
    """The page that a peer asks for. Raises `FederationError` (who asks), or `Refusal`."""
    caller = callers.authenticate(form, now=now)
    if not Peer.objects.recognised(now).filter(entity_id=caller).exists():
        raise Refusal(Reason.UNTRUSTED_ISSUER, "not a peer")
    since, until, after_at = (_number(form, name) for name in ("since", "until", "after_at"))
    if form.get("book") not in BOOKS:
        raise Refusal(Reason.MALFORMED, "no book of ours")
    after = (after_at, form.get("after_jti", ""))
    return state(peer=caller, book=str(form["book"]), since=since, until=until, after=after, now=now)


def state(*, peer: str, book: str, since: int, until: int, after: Place = BEGINNING, now: int) -> str:
    """Sign one page of our ``book`` about ``peer``: crossings from ``since`` up to before ``until``."""
    found = list(_told(_ours(peer, book, since, until, after))[: MAX_CROSSINGS + 1])
    page = Statement(
        iss=authority().entity_id,
        aud=peer,
        iat=now,
        book=book,
        since=since,
        until=until,
        after=after,
        crossings=tuple(Told(*row) for row in found[:MAX_CROSSINGS]),
        more=len(found) > MAX_CROSSINGS,
    )
    return crossing_statement.sign_statement(page, signer=signing.signer("border"))


def state_all(*, peer: str, since: int, until: int, now: int) -> Iterator[str]:
    """All pages of both books about ``peer``, for a file."""
    for book in BOOKS:
        after, more = BEGINNING, True
        while more:
            text = state(peer=peer, book=book, since=since, until=until, after=after, now=now)
            yield text
            page = crossing_statement.verify_statement(
                text, keys=signing.published("border"), issuer=authority().entity_id, audience=peer, now=now
            )
            more = page.more
            after = page.crossings[-1].place if more else after


def fetch(*, peer: str, since: int, until: int, now: int) -> Iterator[str]:
    """All pages of both of ``peer``'s books about us. Raises `Refusal` or `Unavailable`."""
    chain = resolution.resolve(peer, now=now, entity_type="border_token_issuer", immediate=True)
    url = chain.entity("border_token_issuer").get("crossing_statement_endpoint")
    if not isinstance(url, str):
        raise Refusal(Reason.MALFORMED, "the peer states no books")
    for book in BOOKS:
        after = BEGINNING
        for _ in range(MAX_PAGES):
            text = _ask(url, peer, book=book, since=since, until=until, after=after, now=now)
            yield text
            page = verified(text, now=now)
            if not page.more:
                break
            after = page.crossings[-1].place


def verified(text: str, *, now: int) -> Statement:
    """A peer's page, by the keys that its chain gives. Raises `Refusal` or `Unavailable`."""
    issuer = crossing_statement.unverified_issuer(text)
    if not Peer.objects.recognised(now).filter(entity_id=issuer).exists():
        raise Refusal(Reason.UNTRUSTED_ISSUER, "not a peer")
    keys = confirmation.border_keys(issuer, text, crossing_statement.CROSSING_STATEMENT, now=now)
    return crossing_statement.verify_statement(text, keys=keys, issuer=issuer, audience=authority().entity_id, now=now)


def compare(*, pages: Iterable[str], now: int) -> Comparison:
    """Hold a peer's books against ours. Raises `Refusal`, also for a book that is not whole."""
    agreed, found = 0, []
    books = [verified(text, now=now) for text in pages]
    by_book = {book: list(group) for book, group in groupby(books, key=lambda page: page.book)}
    if sorted(by_book) != sorted(BOOKS) or not all(crossing_statement.follows(book) for book in by_book.values()):
        raise Refusal(Reason.MALFORMED, "the pages are not both books, each of them whole and in order")
    if len({(page.iss, page.since, page.until) for page in books}) != 1:
        raise Refusal(Reason.MALFORMED, "the pages are of several peers or periods")
    for book, statements in by_book.items():
        same, differing = _compare_book(book, statements)
        agreed += same
        found += differing
    return Comparison(agreed, tuple(found))


def _compare_book(book: str, pages: list[Statement]) -> tuple[int, list[Disagreement]]:
    peer, since, until = pages[0].iss, pages[0].since, pages[0].until
    there = {item.token_jti: item for page in pages for item in page.crossings}
    mirror = {"confirmed": "received", "received": "confirmed"}[book]  # what a peer confirmed, we received
    here = _by_token(_ours(peer, mirror, since, until))
    missing = list(there.keys() - here.keys())
    # What we have under another time, outside the period, differs and is not missing.
    here |= _by_token(_ours(peer, mirror, 0, FAR_AHEAD).filter(token_jti__in=missing))
    differing = [jti for jti in here.keys() | there.keys() if here.get(jti) != there.get(jti)]
    waiting = _waiting(peer, differing) if mirror == "confirmed" else set()
    found = [Disagreement(book, jti, here.get(jti), there.get(jti), jti in waiting) for jti in sorted(differing)]
    return len(here.keys() | there.keys()) - len(found), found


def _by_token(rows: QuerySet) -> dict[str, Told]:
    return {item.token_jti: item for item in (Told(*row) for row in _told(rows).iterator())}


def _waiting(peer: str, tokens: Iterable[str]) -> set[str]:
    owed = OutgoingReceipt.objects.filter(recipient=peer, token_jti__in=list(tokens), delivered_at=None)
    return set(owed.values_list("token_jti", flat=True))


def _ours(peer: str, book: str, since: int, until: int, after: Place = BEGINNING) -> QuerySet:
    rows: QuerySet = (
        OutgoingReceipt.objects.filter(recipient=peer)
        if book == "confirmed"
        else CrossingReceipt.objects.filter(sender=peer)
    )
    # By code point, as whoever verifies the page compares, and not as the database's language sorts.
    rows = rows.annotate(place=Collate("token_jti", "C" if connection.vendor == "postgresql" else "BINARY"))
    behind = Q(at__gt=after[0]) | Q(at=after[0], place__gt=after[1])
    return rows.filter(behind, at__gte=max(since, after[0]), at__lt=until)


def _told(rows: QuerySet) -> QuerySet:
    return rows.order_by("at", "place").values_list("at", "token_jti", "checkpoint", "direction")


def _ask(url: str, peer: str, *, book: str, since: int, until: int, after: Place, now: int) -> str:
    node = authority().entity_id
    assertion = client_assertion.sign(
        client_id=node, issuer=peer, now=now, jti=secrets.token_urlsafe(16), signer=signing.signer("federation")
    )
    form = {
        "client_assertion_type": client_assertion.ASSERTION_TYPE,
        "client_assertion": assertion,
        "book": book,
        "since": since,
        "until": until,
        "after_at": after[0],
        "after_jti": after[1],
    }
    got = fetching.client().request("POST", url, headers={"content-type": FORM}, content=urlencode(form).encode())
    if got.status >= 500 or got.status == 429:
        raise Unavailable(f"status {got.status}")
    if got.status != 200 or got.media_type != CONTENT_TYPE:
        raise Refusal(Reason.MALFORMED, f"status {got.status}")
    return got.body.decode("ascii", "replace")


def _number(form: QueryDict, name: str) -> int:
    text = form.get(name, "")
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise Refusal(Reason.MALFORMED, f"{name} is not a number")
    return int(text)


def _said(told: Told | None) -> str:
    return f"{told.token_jti} {told.direction} {told.checkpoint} at {told.at}" if told is not None else ""
