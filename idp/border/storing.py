"""A border token is stored: the count of its consent, its entry in a status list, its row and its audit event.

All of them or none. On PostgreSQL that is one statement, and where one token is asked for that is the transaction too;
elsewhere it is one statement for each (docs/decisions/0033).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

from django.db import connection

from idp import prepared
from idp.audit import events
from idp.border import limits
from idp.border.limits import Consent
from idp.border.models import IssuedToken
from idp.federation import revision, status_lists
from idp.oidc.access import Access
from idp.plain_rows import Columns

_TOKENS = Columns(IssuedToken, "i")
_ENTRY = ("status_uri", "status_idx")  # known when the entry is taken
_NEW = ("revoked_at", "revoked_by", "revoked_for", "suspended_at", "suspended_by")  # as of every new token
_TOLD = [
    field.attname
    for field in IssuedToken._meta.concrete_fields
    if not field.primary_key and field.attname not in (*_ENTRY, *_NEW)
]


@dataclass(frozen=True)
class Stored:
    """When the token dies, where its status is, and the number of `idp.federation.revision` at that moment."""

    expires_at: int
    status_uri: str
    status_idx: int
    revision: int


def store(
    *, access: Access, consent: Consent, token: Mapping[str, Any], said: Mapping[str, Any], now: int
) -> Stored | None:
    """Store ``token``, one of ``consent``, with an audit event that says ``said``; None where none is left to take.

    ``token`` has the columns of `IssuedToken` but for its status. None also where what the token stands on has ended;
    `limits.why_not` says which. Must be inside a transaction, but for PostgreSQL. Raises `django.db.IntegrityError`
    where another one took the same entry at the same moment: then it has to be tried again.
    """
    event = {"kind": "border_token.issued", "actor": f"traveller:{access.traveller.id}", "subject": token["jti"]}
    if connection.vendor == "postgresql":
        return _at_once(access, consent, token, events.prepared(**event, data=said), now=now)
    number = limits.take(access, consent, document=token["document_id"])
    if number is None:
        return None
    uri, idx = status_lists.allocate(expires_at=token["expires_at"], now=now)
    _TOKENS.insert(IssuedToken(**token, status_uri=uri, status_idx=idx))
    events.record(**event, data=said)
    return Stored(token["expires_at"], uri, idx, number)


def _at_once(
    access: Access, consent: Consent, token: Mapping[str, Any], event: events.Event, *, now: int
) -> Stored | None:
    hour, dead = status_lists.hours(expires_at=token["expires_at"], now=now)
    counted = limits.taking(access, consent, document=token["document_id"])
    told = [_plain(token[name]) for name in _TOLD]
    missed = status_lists.NO_PART
    while True:
        values = [hour, *status_lists.draw(), *counted, *told, status_lists.address(""), *event, dead]
        for number, name, idx, stored in prepared.run(_STATEMENT, values):
            if stored != "1":
                return None
            return Stored(token["expires_at"], status_lists.address(str(name)), int(idx or 0), int(number or 0))
        missed = status_lists.make_room(hour, dead, missed)  # no entry was free, so nothing was stored


def _plain(value: Any) -> prepared.Value:
    return value if value is None or isinstance(value, str | int) else value.hex  # a UUID


def _statement() -> str:
    """Each part takes from the one before it, so that where one finds nothing nothing is written.

    An entry that another transaction has just taken fails the whole: the count must not stand without a token.
    """
    places = (f"${place}" for place in count(1))
    free = status_lists.free(next(places), _next(places, status_lists.DRAWS))
    taken = limits.counting(_next(places, 6), beside="CROSS JOIN free ")
    told = _next(places, len(_TOLD))
    prefix = next(places)
    event, dead = _next(places, len(events.Event._fields)), next(places)
    columns = [IssuedToken._meta.get_field(name).column for name in (*_TOLD, *_ENTRY, *_NEW)]
    blank = ["NULL" if IssuedToken._meta.get_field(name).null else "''" for name in _NEW]
    row = [*told, f"{prefix} || free.name", "free.idx", *blank]
    return (
        f"WITH {free}, taken AS ({taken}), "  # noqa: S608  constants
        f"entry AS ({status_lists.INSERT} SELECT free.id, free.idx, 0 FROM free CROSS JOIN taken RETURNING idx), "
        f"token AS (INSERT INTO {IssuedToken._meta.db_table} ({', '.join(columns)}) "
        f"SELECT {', '.join(row)} FROM free CROSS JOIN entry RETURNING id), "
        f"event AS ({events.INSERT} SELECT {', '.join(event)} FROM token), "
        f"longer AS ({status_lists.longer(dead)} FROM free CROSS JOIN token WHERE {status_lists.shorter(dead)}) "
        f"SELECT ({revision.READ}), free.name, free.idx, (SELECT count(*) FROM token) FROM free"
    )


def _next(places: Iterator[str], number: int) -> list[str]:
    return list(islice(places, number))


_STATEMENT = _statement()
