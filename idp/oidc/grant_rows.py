"""A grant with its client and its traveller by one plain statement, for whoever brings a token or a code of it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from idp import prepared
from idp.accounts.models import Account, Device, Traveller
from idp.oidc import replay
from idp.oidc.models import AuthorizationCode, Client, Grant, UsedOnce
from idp.plain_rows import Columns

_GRANT, _CLIENT = Columns(Grant, "g"), Columns(Client, "c")
_TRAVELLER = Columns(Traveller, "t", ["id", "account"])
_ACCOUNT = Columns(Account, "a", ["id", "username", "display_name", "kind", "is_active"])
_CODE = Columns(AuthorizationCode, "k")
_COLUMNS = ", ".join(columns.sql for columns in (_GRANT, _CLIENT, _TRAVELLER, _ACCOUNT))
_TABLES = (
    f"{_GRANT.table} JOIN {_CLIENT.table} ON c.id = g.client_id "
    f"JOIN {_TRAVELLER.table} ON t.id = g.traveller_id JOIN {_ACCOUNT.table} ON a.id = t.account_id"
)
_REVOKED = f"SELECT 1 FROM {UsedOnce._meta.db_table} WHERE kind = '{replay.REVOKED}' AND key_hash = $3"  # noqa: S608  constants
_DEVICE = (
    f"SELECT revoked_at IS NULL FROM {Device._meta.db_table} "  # noqa: S608  constants
    "WHERE jkt = $1 AND traveller_id = g.traveller_id"
)
_LIVING = (
    f"SELECT ({_DEVICE}), {_COLUMNS} FROM {_TABLES} "  # noqa: S608  constants
    f"WHERE g.id = $2 AND g.revoked_at IS NULL AND a.is_active AND NOT c.disabled AND NOT EXISTS ({_REVOKED})"
)
_OF_CODE = (
    f"SELECT {_COLUMNS}, {_CODE.sql} FROM {_TABLES} JOIN {_CODE.table} ON k.grant_id = g.id "  # noqa: S608  constants
    "WHERE k.code_hash = $1 AND c.id = $2"
)


def living(*, pk: UUID, jti: str, jkt: str = "") -> tuple[Grant, bool | None] | None:
    """The grant of an access token ``jti``, unless one of these was ended: token, grant, client, account.

    Beside it whether the traveller's phone with key ``jkt`` is good (False: revoked); None where there is none.
    """
    for row in prepared.on_trial(lambda: prepared.rows(_LIVING, [jkt, pk.hex, replay.digest(jti)])):
        good = None if row[0] is None else row[0] in (1, "t")  # SQLite has numbers, PostgreSQL's text has letters
        return _read(row[1:]), good
    return None


def of_code(code: str, *, client: Client) -> AuthorizationCode | None:
    """The authorization code ``code`` of ``client`` with its grant, used or not and however old."""
    for row in prepared.rows(_OF_CODE, [replay.digest(code), client.pk]):
        found = _CODE.read(row[-len(_CODE) :])
        found.grant = _read(row)
        return found
    return None


def _read(row: Sequence[Any]) -> Grant:
    parts: list[Any] = []
    for columns in (_GRANT, _CLIENT, _TRAVELLER, _ACCOUNT):
        parts.append(columns.read(row))
        row = row[len(columns) :]
    grant, grant.client, grant.traveller, grant.traveller.account = parts[0], *parts[1:]
    return parts[0]
