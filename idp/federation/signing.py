"""This authority's keys: one set for each use, made here, kept in files (`key_files`), published by state.

A row says what a key is for and whether it signs: next (published ahead), active, old (published until the last thing
that it signed is dead, unless it is withdrawn before) or killed (published nowhere any more). A next key always stands
ready, so that whoever has to know it knows it long before it signs, also when it has to sign tonight. Federation §11,
OpenID Connect Core §10.1.1.
"""

from functools import lru_cache, partial

from django.db import transaction
from django.db.models import Q, QuerySet

from idp import clock
from idp.audit.events import record
from idp.federation import key_files
from idp.federation import revision as revisions
from idp.federation.models import SigningKey
from idp.protocol import keys
from idp.protocol.jws import LocalSigner, Signer
from idp.protocol.keys import KeySet, PrivateKey
from idp.protocol.refusals import Unavailable

# The first is the default. RS256 is for conventional relying parties (OpenID Connect Core §15.1).
ALGORITHMS = {
    "federation": ("ES256",),
    "oidc": ("ES256", "RS256"),
    "border": ("ES256",),
    "status": ("ES256",),
    "bundle": ("ES256",),
    "audit": ("ES256",),
    "hosted": ("ES256",),
    "request": ("ES256", "RS256"),  # keys that sign nothing: authorization requests are encrypted to them
}
NODE_USES = ("federation", "oidc", "border", "status", "bundle", "audit", "request")
DAY = 86_400
OVERLAP = 4 * DAY  # seconds that an old key stays published: the longest of our documents lives for three days
# Seconds that a key stands published before it signs: as long as somebody may go by what was published before it.
AHEAD = {
    "federation": 10 * DAY,  # peers pin a successor after 7 days; their statements with the keys before live 3 more
    "hosted": 3 * DAY,  # our statement about the entity, with its keys, lives so long
    "border": 2 * DAY,  # our configuration, with these keys, lives so long in a peer's chains and bundles
    "status": 2 * DAY,  # the same configuration has them
    "audit": 2 * DAY,  # and these
    "oidc": DAY,  # relying parties keep a jwks_uri, some for a day
    "request": DAY,  # clients encrypt to a key of our configuration as they read it a while ago
    "bundle": 0,  # every bundle brings the set of its keys
}
ACTOR = "node"


class UnableToRoll(Exception):
    """The next key may not sign yet, or there is none, or a key is over; ``code`` is of its problem document."""

    code = "conflict"


def signer(use: str, *, algorithm: str | None = None, owner: str = "", revision: int | None = None) -> Signer:
    """Whatever signs for ``use`` now. Raises `Unavailable` when no key was made yet.

    ``revision``: what `idp.federation.revision` says now, if the caller knows; while it is the same, so is the key.
    """
    return LocalSigner(private_key(use, algorithm=algorithm, owner=owner, revision=revision))


def private_key(use: str, *, algorithm: str | None = None, owner: str = "", revision: int | None = None) -> PrivateKey:
    """The active private key of ``use``; see `signer`. Raises `Unavailable` when no key was made yet."""
    algorithm = algorithm or ALGORITHMS[use][0]
    number = revisions.committed() if revision is None and not owner else revision
    found = _active if number is None else _active_at
    return key_files.read(use, found(use, owner, algorithm, number))


def private_keys(use: str) -> list[PrivateKey]:
    """Every published private key of ``use``, the active ones first: for opening what was sealed to any of them."""
    rows = sorted(_published(use, "", clock.now()), key=lambda row: row.state != SigningKey.State.ACTIVE)
    return [key_files.read(use, row.kid) for row in rows]


def published(use: str, *, owner: str = "", now: int | None = None) -> KeySet:
    """The public keys of ``use`` that others may verify with: next, active, and old within `OVERLAP`."""
    rows = _published(use, owner, clock.now() if now is None else now)
    return KeySet(keys.parse_public(row.jwk) for row in rows)


def ensure_keys() -> list[SigningKey]:
    """Make an active and a next key wherever one is missing, also for hosted entities; returns those made.

    May run twice without harm, and runs every hour.
    """
    owners = SigningKey.objects.filter(use="hosted", state=SigningKey.State.ACTIVE).order_by("pk")
    places = [(use, algorithm, "") for use in NODE_USES for algorithm in ALGORITHMS[use]]
    places += [(row.use, row.algorithm, row.owner) for row in owners]
    return [made for use, algorithm, owner in places for made in ensure_key(use=use, algorithm=algorithm, owner=owner)]


def ensure_key(*, use: str, algorithm: str = "ES256", owner: str = "") -> list[SigningKey]:
    """Make the active and the next key of one use unless they are there; returns those made."""
    with transaction.atomic():
        made = (
            []
            if _of(use, owner, algorithm).filter(state=SigningKey.State.ACTIVE).exists()
            else [_make(use=use, owner=owner, algorithm=algorithm, state=SigningKey.State.ACTIVE, actor=ACTOR)]
        )
        if not _of(use, owner, algorithm).filter(state=SigningKey.State.NEXT).exists():
            made.append(_make(use=use, owner=owner, algorithm=algorithm, state=SigningKey.State.NEXT, actor=ACTOR))
    return made


def prepare_next(*, use: str, algorithm: str | None = None, owner: str = "", actor: str = ACTOR) -> SigningKey:
    """Publish the key that will sign next, so that everybody knows it before it does (Federation §11.1)."""
    algorithm = algorithm or ALGORITHMS[use][0]
    with transaction.atomic():
        row = _of(use, owner, algorithm).filter(state=SigningKey.State.NEXT).first()
        return row or _make(use=use, owner=owner, algorithm=algorithm, state=SigningKey.State.NEXT, actor=actor)


def activate_next(
    *,
    use: str,
    now: int,
    algorithm: str | None = None,
    owner: str = "",
    actor: str = ACTOR,
    emergency: bool = False,
    kid: str | None = None,
) -> SigningKey:
    """The next key signs from now on; the one before it stays published for `OVERLAP`, and another next is published.

    Raises `UnableToRoll` before the next key has been published for `AHEAD` seconds: somebody may not know it yet, and
    would refuse what it signs. ``emergency`` takes that into account. ``kid`` is the next key that is meant, if the
    caller decided on one: where it signs already, or is gone, no other takes its place.
    """
    algorithm = algorithm or ALGORITHMS[use][0]
    with transaction.atomic():
        mine = _locked(use, owner, algorithm)
        row = mine.filter(state=SigningKey.State.NEXT).first()
        if row is None or (kid is not None and row.kid != kid):
            raise UnableToRoll(f"no next {algorithm} key for {use} was prepared, or it is another")
        wait = row.made_at + AHEAD[use] - now
        if wait > 0 and not emergency:
            raise UnableToRoll(f"the next key for {use} has to be published for {wait} more seconds")
        mine.filter(state=SigningKey.State.ACTIVE).update(state=SigningKey.State.OLD, retired_at=now)
        row.state, row.activated_at, row.takes_over_at = SigningKey.State.ACTIVE, now, None
        row.save(update_fields=["state", "activated_at", "takes_over_at"])
        data = {"use": use, "algorithm": algorithm, "emergency": emergency}
        record(kind="federation.key.activated", actor=actor, subject=row.kid, data=data)
        prepare_next(use=use, algorithm=algorithm, owner=owner, actor=actor)
    return row


def kill(*, kid: str, now: int, actor: str = ACTOR, why: str = "") -> SigningKey:
    """The key is compromised: it neither signs nor is published from now on, and its file is destroyed.

    In place of an active one the published next one signs at once; another next is published in its stead. Raises
    `UnableToRoll` for one that was killed before.
    """
    with transaction.atomic():
        found = SigningKey.objects.get(kid=kid)
        row = _locked(found.use, found.owner, found.algorithm).get(kid=kid)
        if row.state == SigningKey.State.KILLED:
            raise UnableToRoll(f"the key was killed before: {kid}")
        was_active = row.state == SigningKey.State.ACTIVE
        row.state, row.retired_at, row.takes_over_at = SigningKey.State.KILLED, row.retired_at or now, None
        row.withdrawn_at = max(row.retired_at, now)
        row.save(update_fields=["state", "retired_at", "withdrawn_at", "takes_over_at"])
        record(kind="federation.key.killed", actor=actor, subject=kid, data={"use": row.use, "why": why})
        place = {"use": row.use, "algorithm": row.algorithm, "owner": row.owner, "actor": actor}
        prepare_next(**place)
        if was_active:
            activate_next(**place, now=now, emergency=True)
        transaction.on_commit(partial(_destroy, row, actor))  # not before: undone, the key would still be needed
    return row


def withdraw(*, kid: str, now: int, actor: str = ACTOR) -> SigningKey:
    """An old key is published no longer, though what it signed may live; its file is destroyed.

    It is not compromised: the historical keys go on to vouch for what it signed. Raises `UnableToRoll` for one that is
    not old, or was withdrawn or over before.
    """
    with transaction.atomic():
        row = SigningKey.objects.select_for_update().get(kid=kid)
        if row.state != SigningKey.State.OLD or not is_published(row, now):
            raise UnableToRoll(f"not an old key that is published: {kid}")
        row.withdrawn_at = max(row.retired_at or now, now)
        row.save(update_fields=["withdrawn_at"])
        record(kind="federation.key.withdrawn", actor=actor, subject=kid, data={"use": row.use})
        transaction.on_commit(partial(_destroy, row, actor))
    return row


def is_published(row: SigningKey, now: int) -> bool:
    """Whether others may verify with it: next, active, or old within `OVERLAP` and not withdrawn."""
    return row.withdrawn_at is None and (row.retired_at is None or row.retired_at > now - OVERLAP)


def destroy_spent(now: int) -> int:
    """Delete the private keys that sign nothing any more: killed, withdrawn, and old after `OVERLAP`; how many.

    What was published with them may still be verified by whoever has the public key; nobody can sign with it again.
    """
    taken_back = Q(withdrawn_at__isnull=False)  # killed ones, too
    expired = Q(state=SigningKey.State.OLD, retired_at__lte=now - OVERLAP)
    spent = [row for row in SigningKey.objects.filter(taken_back | expired).order_by("pk") if _has_file(row)]
    for row in spent:
        _destroy(row, ACTOR)
    return len(spent)


def _of(use: str, owner: str, algorithm: str) -> QuerySet[SigningKey]:
    return SigningKey.objects.filter(use=use, owner=owner, algorithm=algorithm)


def _locked(use: str, owner: str, algorithm: str) -> QuerySet[SigningKey]:
    """Those keys, which nobody else changes until the transaction ends.

    All of them at once and in one order: a kill and a roll-over of the same use would wait for each other for ever.
    """
    mine = _of(use, owner, algorithm)
    list(mine.select_for_update().order_by("pk").values_list("pk"))
    return mine


def _active(use: str, owner: str, algorithm: str, revision: int | None) -> str:
    kid = _of(use, owner, algorithm).filter(state=SigningKey.State.ACTIVE).values_list("kid", flat=True).first()
    if kid is None:
        raise Unavailable(f"no {algorithm} key for {use}: run manage.py federation init")
    return str(kid)


_active_at = lru_cache(maxsize=64)(_active)  # by revision: every change of a key makes another


def _published(use: str, owner: str, now: int) -> list[SigningKey]:
    number = None if owner else revisions.committed()
    rows = _sound(use, owner) if number is None else _sound_at(use, owner, number)
    return [row for row in rows if is_published(row, now)]


def _sound(use: str, owner: str, revision: int | None = None) -> tuple[SigningKey, ...]:
    return tuple(SigningKey.objects.filter(use=use, owner=owner, withdrawn_at=None).order_by("pk"))


_sound_at = lru_cache(maxsize=64)(_sound)


def _make(*, use: str, owner: str, algorithm: str, state: str, actor: str) -> SigningKey:
    key = keys.generate(algorithm)
    key_files.write(use, key)
    now = clock.now()
    row = SigningKey.objects.create(
        use=use,
        owner=owner,
        algorithm=algorithm,
        kid=key.kid,
        jwk=key.public.jwk(),
        state=state,
        made_at=now,
        activated_at=now if state == SigningKey.State.ACTIVE else None,
    )
    record(kind="federation.key.made", actor=actor, subject=key.kid, data={"use": use, "state": str(state)})
    return row


def _has_file(row: SigningKey) -> bool:
    return key_files.path_of(row.use, row.kid).exists()


def _destroy(row: SigningKey, actor: str) -> None:
    with (
        transaction.atomic()
    ):  # recorded first: a file that will not go undoes the record, and the next hour tries again
        record(kind="federation.key.destroyed", actor=actor, subject=row.kid, data={"use": row.use})
        key_files.destroy(row.use, row.kid)
