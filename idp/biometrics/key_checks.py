"""System checks of the keys that seal faces, and of who keeps them."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError

from idp import conf
from idp.biometrics import rewrapping, wrapping
from idp.protocol.refusals import Unavailable

STORAGES = ("node", "device")


@register(Tags.security)
def face_keys(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """idp.E112, idp.E113: settings that cannot be."""
    authority = conf.authority()
    found: list[CheckMessage] = []
    for name in (authority.face_key, *authority.face_keys_retired):
        problem = wrapping.problem(str(name))
        if problem:
            found.append(Error(f"CAUSEWAY_FACE_KEY or CAUSEWAY_FACE_KEYS_RETIRED: {problem}.", id="idp.E112"))
    if authority.face_storage not in STORAGES:
        found.append(Error("CAUSEWAY_FACE_STORAGE is node or device.", id="idp.E113"))
    return found


@register(Tags.security, deploy=True)
def face_key_answers(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """idp.W112: no face can be sealed or opened."""
    try:
        wrapping.current()
    except (Unavailable, ValueError) as error:
        return [Warning("The key of the faces does not answer.", hint=str(error), id="idp.W112")]
    return []


@register(Tags.database)
def rows_of_retired_keys(app_configs: Any, databases: Any = None, **_: Any) -> list[CheckMessage]:
    """idp.W113: a retired key may not go yet. Asks the database, so only with ``check --database default``."""
    try:
        left = rewrapping.left() if databases else 0
    except (Unavailable, ValueError, DatabaseError):  # said by another check; or before the first migration
        return []
    if not left:
        return []
    text = f"{left} faces are sealed under another than the current key."
    return [Warning(text, hint="Keep that key, and run: manage.py faces rewrap", id="idp.W113")]
