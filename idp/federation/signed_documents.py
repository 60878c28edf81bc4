"""What bears a key and is still believed for it: asked before a key is taken back. Rooms above contribute theirs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet
from django.utils.translation import gettext as _

from idp.federation import bundles, marks, signing
from idp.federation.models import BundleSerial, IssuedMark, SignedHead, SigningKey, Statement, StatusList


@dataclass(frozen=True)
class Signed:
    """Documents of one sort that one key signed and that have not expired."""

    what: str  # in the officer's language
    count: int | None  # None: nobody keeps a list of them
    until: int | None  # when the last of them expires (seconds since 1970); None where that is not known


Counter = Callable[[SigningKey, int], Signed | None]
_counters: dict[str, list[Counter]] = {}


def contribute(use: str, counter: Counter) -> None:
    """Count documents that are signed by keys of ``use``. The counter gets a key's row and the time."""
    _counters.setdefault(use, []).append(counter)


def by(row: SigningKey, now: int) -> list[Signed]:
    """What lives of that which the key signed; nothing for a key that never did."""
    if row.activated_at is None:
        return []
    return list(_living(row, now))


def while_active(row: SigningKey, column: str) -> Q:
    """Rows whose time in ``column`` is one at which the key signed. In a second of change there were two."""
    until = {} if row.retired_at is None else {f"{column}__lte": row.retired_at}
    return Q(**{f"{column}__gte": row.activated_at}, **until)


def counted(rows: QuerySet[Any], expiry: Any, what: str) -> Signed | None:
    """Of ``rows``, with ``expiry`` the column (or expression) of their end; None where there are none."""
    found = rows.aggregate(count=Count("pk"), until=Max(expiry))
    return Signed(what, found["count"], found["until"]) if found["count"] else None


def _living(row: SigningKey, now: int) -> Iterator[Signed]:
    for counter in _counters.get(row.use, []):
        if (found := counter(row, now)) is not None:
            yield found


def _statements(row: SigningKey, now: int) -> Signed | None:
    return counted(Statement.objects.filter(kid=row.kid, expires_at__gt=now), "expires_at", _("entity statements"))


def _marks(row: SigningKey, now: int) -> Signed | None:
    rows = IssuedMark.objects.filter(kid=row.kid, revoked_at=None, signed_at__gt=now - marks.LIFETIME)
    return counted(rows, F("signed_at") + marks.LIFETIME, _("trust marks"))


def _status_lists(row: SigningKey, now: int) -> Signed | None:
    return counted(StatusList.objects.filter(kid=row.kid, last_expiry__gt=now), "last_expiry", _("status lists"))


def _bundles(row: SigningKey, now: int) -> Signed | None:
    rows = BundleSerial.objects.filter(while_active(row, "built_at"), built_at__gt=now - bundles.LIFETIME)
    return counted(rows, F("built_at") + bundles.LIFETIME, _("trust bundles"))


def _heads(row: SigningKey, now: int) -> Signed | None:
    """They do not expire; those that a witness asks for are signed again by a key that is published."""
    count = SignedHead.objects.filter(while_active(row, "at"), at__gt=now - signing.OVERLAP).count()
    return Signed(_("heads of the audit tree"), count, None) if count else None


contribute("federation", _statements)
contribute("federation", _marks)
contribute("hosted", _statements)
contribute("status", _status_lists)
contribute("bundle", _bundles)
contribute("audit", _heads)
