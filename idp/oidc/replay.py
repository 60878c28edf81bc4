"""What may be used once: spent by one INSERT into a table with a unique constraint, shared by all workers.

No cache: it forgets. When the database cannot answer, nothing is accepted. What one request brings is spent together,
by one statement that is committed at once, with the audit event of what came of it: `Seen`.
"""

import hashlib
import itertools
from collections.abc import Sequence
from contextlib import nullcontext
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import DatabaseError, connection, transaction

from idp import prepared
from idp.audit import events
from idp.federation import revision
from idp.oidc import client_rows
from idp.oidc.models import UsedOnce
from idp.protocol.refusals import Reason, Refusal, Unavailable

_ONCE = "ON CONFLICT (kind, key_hash) DO NOTHING RETURNING kind, key_hash"
_OUTDATED = "outdated"  # no kind, but the row that says so
DPOP, ASSERTION, REQUEST_OBJECT = "dpop", "assertion", "request-object"
ATTESTATION = "attestation"  # a proof that the attested key is held
REVOKED = "revoked"  # an access token by its jti: not to be used again at all


class Once(NamedTuple):
    """One identifier, as it is kept. ``expires_at`` in seconds since 1970."""

    kind: str
    key_hash: str
    expires_at: int


class SeenBefore(Refusal):
    """``kind`` was used before, or twice in one request."""

    def __init__(self, kind: str) -> None:
        super().__init__(Reason.REPLAYED, f"{kind} seen before")
        self.kind = kind


class Seen:
    """What one request brought that may be used once. `spend` is for its end, whatever the end is."""

    def __init__(self) -> None:
        self._seen: list[Once] = []

    def add(self, kind: str, key: str, expires_at: int) -> None:
        """Remember ``key``, which is accepted for the time being; see `spend`, the function, for the arguments."""
        self._seen.append(Once(kind, digest(key), expires_at))

    def spend(self, *, event: events.Event | None = None, version: client_rows.Version | None = None) -> int | None:
        """Spend what was added since the last time. ``event`` is recorded with it, if nothing of it was seen before.

        ``version`` is of the client's row that the request went by; nothing is written unless it stands.
        Committed at once, so it refuses to run inside a transaction: an error later in the request gives nothing back,
        and what is refused here for one of them has spent the others. Returns the number of `federation.revision` at
        that moment, None when nothing was spent. Raises `SeenBefore` for the first that was, `client_rows.Outdated`, or
        `Unavailable` when the database does not answer.
        """
        seen, self._seen = self._seen, []
        if not seen and event is None:
            return None
        try:
            # An outer transaction, if there is one, makes this raise RuntimeError.
            with transaction.atomic(durable=True) if connection.in_atomic_block else nullcontext():
                written = _write(seen, event, version)
        except DatabaseError as error:
            raise Unavailable("the memory of what was used") from error
        if any(kind == _OUTDATED for kind, _, _ in written):
            raise client_rows.Outdated
        new = {(kind, key_hash) for kind, key_hash, _ in written}
        for once in seen:
            if once[:2] not in new:
                raise SeenBefore(once.kind)
            new.remove(once[:2])
        return written[0][2] or 0 if written else None


def spend(kind: str, key: str, expires_at: int) -> None:
    """Use ``key`` up, until ``expires_at`` (seconds since 1970; past the time when it would be refused anyway).

    Raises like `Seen.spend`.
    """
    seen = Seen()
    seen.add(kind, key, expires_at)
    seen.spend()


def is_known(kind: str, key: str) -> bool:
    """Whether ``key`` was used and is remembered."""
    return UsedOnce.objects.filter(kind=kind, key_hash=digest(key)).exists()


def purge(*, now: int) -> int:
    """Forget what would be refused for its age by now; the number of rows."""
    return UsedOnce.objects.filter(expires_at__lt=now).delete()[0]


def digest(text: str) -> str:
    """SHA-256 in hex, as secrets and identifiers are kept."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _write(
    seen: Sequence[Once], event: events.Event | None, version: client_rows.Version | None = None
) -> list[tuple[str, str, int | None]]:
    """Insert in one transaction; kind, hash and the revision for each that was new. No event unless all were.

    In one order for everybody: two requests that share two identifiers must not wait for each other.
    """
    values: list[Any] = [value for once in sorted(seen) for value in once]
    if connection.vendor == "postgresql" and seen:
        statement = _statement(len(seen), event is not None, version is not None)
        # Sent twice, it has spent what it then finds spent: nothing is accepted that must not be.
        rows = prepared.on_trial(lambda: prepared.run(statement, [*values, *(event or ()), *(version or ())]))
        return [(str(kind), str(key_hash), int(number or 0)) for kind, key_hash, number in rows]
    with transaction.atomic(), connection.cursor() as cursor:
        new: list[tuple[str, str, int | None]] = []
        if seen:
            cursor.execute(_insert(len(seen)), values)
            new = cursor.fetchall()
        if event is not None and len(new) == len(seen):
            cursor.execute(f"{events.INSERT} VALUES (%s, %s, %s, %s, %s)", event)
        return new


@lru_cache(maxsize=8)
def _insert(count: int) -> str:
    rows = ", ".join(["(%s, %s, %s)"] * count)
    return (
        f"INSERT INTO {UsedOnce._meta.db_table} (kind, key_hash, expires_at) VALUES {rows} "  # noqa: S608  constants
        f"{_ONCE}, ({revision.READ})"
    )


@lru_cache(maxsize=32)
def _statement(count: int, with_event: bool, with_version: bool) -> str:
    """For PostgreSQL: one statement is one transaction, so neither BEGIN nor COMMIT is sent."""
    places = (f"${place}" for place in itertools.count(1))
    rows = ", ".join(f"({next(places)}, {next(places)}, {next(places)}::bigint)" for _ in range(count))
    source, event, outdated = f"VALUES {rows}", "", ""
    if with_event:
        values = ", ".join(itertools.islice(places, len(events.Event._fields)))
        whole = f"(SELECT count(*) FROM spent) = {count}"  # noqa: S608  constants
        event = f", recorded AS ({events.INSERT} SELECT {values} WHERE {whole})"
    if with_version:
        stands = client_rows.standing(next(places), next(places))
        source = f"SELECT * FROM (VALUES {rows}) AS new WHERE {stands}"  # noqa: S608  constants
        outdated = f" UNION ALL SELECT '{_OUTDATED}', '', NULL WHERE NOT {stands}"
    insert = f"INSERT INTO {UsedOnce._meta.db_table} (kind, key_hash, expires_at) {source} {_ONCE}"
    return f"WITH spent AS ({insert}){event} SELECT kind, key_hash, ({revision.READ}) FROM spent{outdated}"  # noqa: S608
