"""What the phone keeps: authorizations under way, grants, border tokens, face references. SQLite, mode 0600."""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idp.protocol import strict_json
from idp.wallet.keys import private_directory

PENDING_LIFETIME = 900  # seconds from the request to the answer; a traveller may have to look for a passkey

_SCHEMA = """
CREATE TABLE IF NOT EXISTS pending (
    state TEXT PRIMARY KEY, provider TEXT NOT NULL, issuer TEXT NOT NULL, verifier TEXT NOT NULL,
    details TEXT NOT NULL, crossing TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS granted (
    id INTEGER PRIMARY KEY, provider TEXT NOT NULL, access_token TEXT NOT NULL, details TEXT NOT NULL,
    crossing TEXT NOT NULL, expires_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS token (
    id TEXT PRIMARY KEY, checkpoint TEXT NOT NULL, direction TEXT NOT NULL, format TEXT NOT NULL, body BLOB NOT NULL,
    document_type TEXT NOT NULL, issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS companion (id TEXT PRIMARY KEY, company TEXT NOT NULL, name TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS face_reference (
    provider TEXT NOT NULL, document TEXT NOT NULL, model TEXT NOT NULL, sealed BLOB NOT NULL,
    PRIMARY KEY (provider, document, model)
) STRICT;
"""
_TOKENS = (
    "SELECT token.*, coalesce(company, '') AS 'group', coalesce(name, '') AS name "
    "FROM token LEFT JOIN companion USING (id)"
)


@dataclass(frozen=True)
class Pending:
    """An authorization request whose answer is awaited. ``verifier`` is PKCE's."""

    state: str
    provider: str
    issuer: str
    verifier: str
    details: tuple[Mapping[str, Any], ...]
    crossing: str
    at: int


@dataclass(frozen=True)
class Grant:
    """An access token bound to the device key, and what it is good for. ``expires_at`` is the access token's."""

    provider: str
    access_token: str
    details: tuple[Mapping[str, Any], ...]
    crossing: str
    expires_at: int


@dataclass(frozen=True)
class StoredToken:
    """A border token as it was issued. ``id`` is its ``jti`` in hexadecimal.

    ``group`` is what all have in common that were fetched for people who cross together, and ``name`` whose this is.
    """

    id: str
    checkpoint: str
    direction: str
    format: str
    body: str | bytes
    document_type: str
    issued_at: int
    expires_at: int
    group: str = ""
    name: str = ""


class Store:
    """The phone's database; safe for threads."""

    def __init__(self, directory: Path) -> None:
        self._path = private_directory(directory) / "wallet.sqlite3"
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        with self._open() as connection:
            connection.executescript(_SCHEMA)

    def begin(self, pending: Pending) -> None:
        """Remember a request; those never answered are forgotten."""
        with self._open() as connection:
            connection.execute("DELETE FROM pending WHERE at < ?", (pending.at - PENDING_LIFETIME,))
            connection.execute(
                "INSERT INTO pending VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    pending.state,
                    pending.provider,
                    pending.issuer,
                    pending.verifier,
                    _text(pending.details),
                    pending.crossing,
                    pending.at,
                ),
            )

    def take(self, state: str, *, now: int) -> Pending | None:
        """The request of that ``state``, once; None when there is none or it is too old."""
        with self._open() as connection:
            row = connection.execute("DELETE FROM pending WHERE state = ? RETURNING *", (state,)).fetchone()
        if row is None or row["at"] < now - PENDING_LIFETIME:
            return None
        return Pending(**{**dict(row), "details": _details(row["details"])})

    def keep_grant(self, grant: Grant) -> None:
        """Keep a grant; one for the same crossing (where it has a name) is replaced."""
        with self._open() as connection:
            connection.execute("DELETE FROM granted WHERE crossing = ? AND crossing <> ''", (grant.crossing,))
            connection.execute(
                "INSERT INTO granted (provider, access_token, details, crossing, expires_at) VALUES (?, ?, ?, ?, ?)",
                (grant.provider, grant.access_token, _text(grant.details), grant.crossing, grant.expires_at),
            )

    def grants(self, *, now: int) -> list[Grant]:
        """Grants whose access token lives, the newest first; the others are forgotten."""
        with self._open() as connection:
            connection.execute("DELETE FROM granted WHERE expires_at <= ?", (now,))
            rows = connection.execute("SELECT * FROM granted ORDER BY id DESC").fetchall()
        names = ("provider", "access_token", "crossing", "expires_at")
        return [Grant(**{name: row[name] for name in names}, details=_details(row["details"])) for row in rows]

    def drop_grants(self, *, access_token: str) -> None:
        """Forget a grant that its issuer takes no more."""
        with self._open() as connection:
            connection.execute("DELETE FROM granted WHERE access_token = ?", (access_token,))

    def keep_token(self, token: StoredToken) -> None:
        """Keep a border token until it expires, beside others for the same gate."""
        body = token.body.encode() if isinstance(token.body, str) else token.body
        with self._open() as connection:
            connection.execute(
                "INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    token.id,
                    token.checkpoint,
                    token.direction,
                    token.format,
                    body,
                    token.document_type,
                    token.issued_at,
                    token.expires_at,
                ),
            )

            if token.group:
                connection.execute("INSERT INTO companion VALUES (?, ?, ?)", (token.id, token.group, token.name))

    def tokens(self, *, now: int) -> list[StoredToken]:
        """Border tokens that have not expired, the newest last; the others are forgotten."""
        with self._open() as connection:
            connection.execute("DELETE FROM token WHERE expires_at <= ?", (now,))
            connection.execute("DELETE FROM companion WHERE id NOT IN (SELECT id FROM token)")
            rows = connection.execute(f"{_TOKENS} ORDER BY token.rowid").fetchall()
        return [_token(row) for row in rows]

    def token(self, token_id: str) -> StoredToken | None:
        """One border token by its id."""
        with self._open() as connection:
            row = connection.execute(f"{_TOKENS} WHERE id = ?", (token_id,)).fetchone()
        return None if row is None else _token(row)

    def keep_face_references(self, provider: str, document: str, references: Mapping[str, bytes]) -> None:
        """Keep sealed references by model, in place of older ones of the same models."""
        rows = [(provider, document, model, sealed) for model, sealed in references.items()]
        with self._open() as connection:
            connection.executemany("INSERT OR REPLACE INTO face_reference VALUES (?, ?, ?, ?)", rows)

    def face_references(self, provider: str, document: str) -> dict[str, bytes]:
        """What is kept of ``document``, by model."""
        query = "SELECT model, sealed FROM face_reference WHERE provider = ? AND document = ? ORDER BY rowid"
        with self._open() as connection:
            rows = connection.execute(query, (provider, document)).fetchall()
        return {row["model"]: bytes(row["sealed"]) for row in rows}

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA secure_delete=ON")  # what is forgotten is overwritten
            yield connection


def _token(row: sqlite3.Row) -> StoredToken:
    body = bytes(row["body"])
    return StoredToken(**{**dict(row), "body": body.decode() if row["format"] == "jwt" else body})


def _text(details: Sequence[Mapping[str, Any]]) -> str:
    return strict_json.dumps([dict(detail) for detail in details]).decode()


def _details(text: str) -> tuple[Mapping[str, Any], ...]:
    return tuple(strict_json.loads(text))
