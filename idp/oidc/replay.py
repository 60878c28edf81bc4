"""What may be used once: spent by one INSERT into a table with a unique constraint, shared by all workers.

No cache: it forgets. When the database cannot answer, nothing is accepted.
"""

import hashlib

from django.db import DatabaseError, IntegrityError, transaction

from idp.oidc.models import UsedOnce
from idp.protocol.refusals import Reason, Refusal, Unavailable

DPOP, ASSERTION, REQUEST_OBJECT = "dpop", "assertion", "request-object"


def spend(kind: str, key: str, expires_at: int) -> None:
    """Use ``key`` up, until ``expires_at`` (seconds since 1970; past the time when it would be refused anyway).

    Committed at once: an error later in the request does not give it back, so this refuses to run inside a
    transaction. Raises `Refusal` (replayed), or `Unavailable` when the database does not answer.
    """
    try:
        with transaction.atomic(durable=True):
            UsedOnce.objects.create(kind=kind, key_hash=digest(key), expires_at=expires_at)
    except IntegrityError as error:
        raise Refusal(Reason.REPLAYED, f"{kind} seen before") from error
    except DatabaseError as error:
        raise Unavailable("the memory of what was used") from error


def purge(*, now: int) -> int:
    """Forget what would be refused for its age by now; the number of rows."""
    return UsedOnce.objects.filter(expires_at__lt=now).delete()[0]


def digest(text: str) -> str:
    """SHA-256 in hex, as secrets and identifiers are kept."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
