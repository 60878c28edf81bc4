"""Many tokens out of one."""

import itertools

from idp.border.models import IssuedToken

_SERIAL = itertools.count(1)


def issued(token: IssuedToken, *, at: int, revoked_at: int | None = None, **changes: object) -> IssuedToken:
    """Another token like ``token``, issued ``at`` then and revoked, where a time is given."""
    number = next(_SERIAL)
    facts = {field.attname: getattr(token, field.attname) for field in IssuedToken._meta.concrete_fields}
    facts |= {"id": None, "jti": f"copy-{number}", "status_idx": token.status_idx + number, "issued_at": at}
    facts |= {"expires_at": at + 86_400, "revoked_at": revoked_at, "revoked_for": "officer" if revoked_at else ""}
    return IssuedToken.objects.create(**{**facts, **changes})
