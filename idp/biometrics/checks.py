"""System checks of the face engines."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register

from idp.biometrics import engines
from idp.biometrics.engine import EMBEDDED, UnableToLoadModel
from idp.biometrics.engine.providers import NAMES
from idp.conf import authority

HINT = "Install a licensed pack, calibrated on your own travellers (docs/operations.md)."


@register(Tags.security, deploy=True)
def embedded_engine(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """The embedded face engine is for trying."""
    if EMBEDDED not in authority().face_engines:
        return []
    return [Warning("The embedded face engine is active, which is for trying only.", hint=HINT, id="idp.W102")]


@register(Tags.security)
def packs_hold(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """idp.E109: settings that cannot be. idp.E110: a pack whose files are not what they should be."""
    return list(_settings()) or [
        Error(f"CAUSEWAY_FACE_ENGINES: {error}.", id="idp.E110") for error in _failures(engines.model_of)
    ]


@register(Tags.security, deploy=True)
def packs_load(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """idp.E111: a pack that holds and does not load, or no provider to run it. Takes seconds."""
    if packs_hold(None):
        return []
    return [Error(f"A face pack does not load: {error}.", id="idp.E111") for error in _failures(engines.engine)]


def _settings() -> Iterator[CheckMessage]:
    node = authority()
    if not node.face_engines or len(set(node.face_engines)) != len(node.face_engines):
        yield Error("CAUSEWAY_FACE_ENGINES must name engines, and none of them twice.", id="idp.E109")
    if not node.face_providers or not set(node.face_providers) <= set(NAMES):
        yield Error(f"CAUSEWAY_FACE_PROVIDERS must be some of {', '.join(NAMES)}.", id="idp.E109")


def _failures(attempt: Any) -> Iterator[UnableToLoadModel]:
    for name in authority().face_engines:
        try:
            if name != EMBEDDED:
                attempt(name)
        except UnableToLoadModel as error:
            yield error
