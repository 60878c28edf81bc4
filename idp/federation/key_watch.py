"""How this authority's signing keys are doing, by use and algorithm: what is next, active, old and past. No secrets."""

from collections.abc import Iterable
from dataclasses import dataclass

from idp.federation import key_files, signed_documents, signing, takeovers
from idp.federation.alarms import ROTATE_AFTER
from idp.federation.key_words import SHORT
from idp.federation.models import SigningKey
from idp.federation.signed_documents import Signed

State = SigningKey.State
_ORDER = (State.NEXT, State.ACTIVE, State.OLD, State.KILLED)
_PLACES = [(use, algorithm) for use in signing.NODE_USES for algorithm in signing.ALGORITHMS[use]]


@dataclass(frozen=True)
class Watched:
    """One key. Times are seconds since 1970."""

    row: SigningKey
    file: str  # of its private half, below the key directory
    has_file: bool
    published: bool
    earliest: int | None  # of a next key: from when it may sign
    due: int | None  # of an active one: when it has signed for long enough; of an old one: when it is over

    @property
    def short(self) -> str:
        return self.row.kid[:SHORT]

    def signed(self, now: int) -> list[Signed]:
        """What lives of that which it signed: queries of their own."""
        return signed_documents.by(self.row, now) if self.published else []


@dataclass(frozen=True)
class Place:
    """The keys of one use and one algorithm, or of one hosted entity."""

    use: str
    algorithm: str
    owner: str
    living: tuple[Watched, ...]  # published: next, active, old
    past: tuple[Watched, ...]  # the newest first

    def one(self, state: str) -> Watched | None:
        """The next or the active key, if there is one."""
        return next((key for key in self.living if key.row.state == state), None)


def places(now: int) -> list[Place]:
    """Those of the node itself, also where a key is missing."""
    rows = list(SigningKey.objects.filter(owner="").order_by("pk"))
    return [_place(use, algorithm, "", _of(rows, use, algorithm), now) for use, algorithm in _PLACES]


def hosted(now: int) -> list[Place]:
    """Those of the hosted entities, by their path."""
    rows: dict[tuple[str, str], list[SigningKey]] = {}
    for row in SigningKey.objects.filter(use="hosted").order_by("owner", "algorithm", "pk"):
        rows.setdefault((row.owner, row.algorithm), []).append(row)
    return [_place("hosted", algorithm, owner, found, now) for (owner, algorithm), found in rows.items()]


def watched(row: SigningKey, now: int) -> Watched:
    """One key by its row."""
    due = None
    if row.state == State.ACTIVE:
        due = (row.activated_at or row.made_at) + ROTATE_AFTER
    if row.state == State.OLD and row.retired_at is not None:
        due = row.withdrawn_at or row.retired_at + signing.OVERLAP
    return Watched(
        row=row,
        file=f"{row.use}/{row.kid}.jwk",
        has_file=key_files.path_of(row.use, row.kid).is_file(),
        published=signing.is_published(row, now),
        earliest=takeovers.earliest(row) if row.state == State.NEXT else None,
        due=due,
    )


def _of(rows: Iterable[SigningKey], use: str, algorithm: str) -> list[SigningKey]:
    return [row for row in rows if (row.use, row.algorithm) == (use, algorithm)]


def _place(use: str, algorithm: str, owner: str, rows: Iterable[SigningKey], now: int) -> Place:
    found = [watched(row, now) for row in rows]
    living = sorted((key for key in found if key.published), key=lambda key: _ORDER.index(State(key.row.state)))
    past = sorted((key for key in found if not key.published), key=lambda key: -key.row.pk)
    return Place(use, algorithm, owner, tuple(living), tuple(past))
