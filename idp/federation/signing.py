"""This authority's keys: one set for each use, made here, kept in files, published by state.

A private key is a JWK in ``<key directory>/<use>/<kid>.jwk`` that only the node's own user can read, loaded once by
each process. Its row says what it is for and whether it signs: next (published ahead), active, old (published until
the last thing that it signed is dead) or killed (published nowhere any more). Federation §11, OpenID Connect Core
§10.1.1.
"""

import os
from functools import lru_cache
from pathlib import Path

from django.db import transaction
from django.db.models import Q

from idp import clock, conf
from idp.audit.events import record
from idp.federation.models import SigningKey
from idp.protocol import keys, strict_json
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
    "hosted": ("ES256",),
}
NODE_USES = ("federation", "oidc", "border", "status", "bundle")
OVERLAP = 4 * 86_400  # seconds that an old key stays published: the longest of our documents lives for three days
ACTOR = "node"


def signer(use: str, *, algorithm: str | None = None, owner: str = "") -> Signer:
    """Whatever signs for ``use`` now. Raises `Unavailable` when no key was made yet."""
    return LocalSigner(private_key(use, algorithm=algorithm, owner=owner))


def private_key(use: str, *, algorithm: str | None = None, owner: str = "") -> PrivateKey:
    """The active private key of ``use``. Raises `Unavailable` when no key was made yet."""
    algorithm = algorithm or ALGORITHMS[use][0]
    kid = (
        SigningKey.objects.filter(use=use, owner=owner, algorithm=algorithm, state=SigningKey.State.ACTIVE)
        .values_list("kid", flat=True)
        .first()
    )
    if kid is None:
        raise Unavailable(f"no {algorithm} key for {use}: run manage.py federation init")
    return _load(_path(use, kid))


def private_keys(use: str) -> list[PrivateKey]:
    """Every published private key of ``use``, the active ones first: for opening what was sealed to any of them."""
    rows = sorted(_published(use, "", clock.now()), key=lambda row: row.state != SigningKey.State.ACTIVE)
    return [_load(_path(use, row.kid)) for row in rows]


def published(use: str, *, owner: str = "", now: int | None = None) -> KeySet:
    """The public keys of ``use`` that others may verify with: next, active, and old within `OVERLAP`."""
    rows = _published(use, owner, clock.now() if now is None else now)
    return KeySet(keys.parse_public(row.jwk) for row in rows)


def ensure_keys() -> list[SigningKey]:
    """Make an active key for every use and algorithm that lacks one; returns those made. May run twice without harm."""
    return [
        made
        for use in NODE_USES
        for algorithm in ALGORITHMS[use]
        if (made := ensure_key(use=use, algorithm=algorithm)) is not None
    ]


def ensure_key(*, use: str, algorithm: str = "ES256", owner: str = "") -> SigningKey | None:
    """Make the active key of one use unless there is one."""
    with transaction.atomic():
        wanted = SigningKey.objects.filter(use=use, owner=owner, algorithm=algorithm, state=SigningKey.State.ACTIVE)
        if wanted.exists():
            return None
        return _make(use=use, owner=owner, algorithm=algorithm, state=SigningKey.State.ACTIVE, actor=ACTOR)


def prepare_next(*, use: str, algorithm: str | None = None, owner: str = "", actor: str = ACTOR) -> SigningKey:
    """Publish the key that will sign next, so that everybody knows it before it does (Federation §11.1)."""
    algorithm = algorithm or ALGORITHMS[use][0]
    with transaction.atomic():
        row = SigningKey.objects.filter(use=use, owner=owner, algorithm=algorithm, state=SigningKey.State.NEXT).first()
        return row or _make(use=use, owner=owner, algorithm=algorithm, state=SigningKey.State.NEXT, actor=actor)


def activate_next(
    *, use: str, now: int, algorithm: str | None = None, owner: str = "", actor: str = ACTOR
) -> SigningKey:
    """The next key signs from now on; the one before it stays published for `OVERLAP`."""
    algorithm = algorithm or ALGORITHMS[use][0]
    with transaction.atomic():
        mine = SigningKey.objects.select_for_update().filter(use=use, owner=owner, algorithm=algorithm)
        row = mine.filter(state=SigningKey.State.NEXT).first()
        if row is None:
            raise Unavailable(f"no next {algorithm} key for {use} was prepared")
        mine.filter(state=SigningKey.State.ACTIVE).update(state=SigningKey.State.OLD, retired_at=now)
        row.state = SigningKey.State.ACTIVE
        row.save(update_fields=["state"])
        record(kind="federation.key.activated", actor=actor, subject=row.kid, data={"use": use})
    return row


def kill(*, kid: str, now: int, actor: str = ACTOR) -> SigningKey:
    """The key is compromised: it neither signs nor is published from now on. An active one is replaced at once."""
    with transaction.atomic():
        row = SigningKey.objects.select_for_update().get(kid=kid)
        was_active = row.state == SigningKey.State.ACTIVE
        row.state, row.retired_at = SigningKey.State.KILLED, row.retired_at or now
        row.save(update_fields=["state", "retired_at"])
        record(kind="federation.key.killed", actor=actor, subject=kid, data={"use": row.use})
        if was_active:
            prepare_next(use=row.use, algorithm=row.algorithm, owner=row.owner, actor=actor)
            activate_next(use=row.use, algorithm=row.algorithm, owner=row.owner, now=now, actor=actor)
    return row


def _published(use: str, owner: str, now: int) -> list[SigningKey]:
    living = Q(state__in=[SigningKey.State.ACTIVE, SigningKey.State.NEXT])
    dying = Q(state=SigningKey.State.OLD, retired_at__gt=now - OVERLAP)
    return list(SigningKey.objects.filter(living | dying, use=use, owner=owner).order_by("pk"))


def _make(*, use: str, owner: str, algorithm: str, state: str, actor: str) -> SigningKey:
    key = keys.generate(algorithm)
    _write(_path(use, key.kid), key)
    row = SigningKey.objects.create(
        use=use, owner=owner, algorithm=algorithm, kid=key.kid, jwk=key.public.jwk(), state=state, made_at=clock.now()
    )
    record(kind="federation.key.made", actor=actor, subject=key.kid, data={"use": use, "state": str(state)})
    return row


def _path(use: str, kid: str) -> Path:
    return conf.authority().key_dir / use / f"{kid}.jwk"


def _write(path: Path, key: PrivateKey) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(strict_json.dumps(key.jwk()))
        file.flush()
        os.fsync(file.fileno())


@lru_cache(maxsize=1024)
def _load(path: Path) -> PrivateKey:
    try:
        return keys.parse_private(strict_json.loads_object(path.read_bytes()))
    except OSError as error:
        raise Unavailable(f"a private key file cannot be read: {path.name}") from error
