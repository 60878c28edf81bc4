"""System checks of the thresholds that faces are decided by."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError

from idp.biometrics import engines, thresholds
from idp.conf import authority

HINT = "manage.py faces evaluate DIRECTORY --calibrate (docs/operations.md)."


@register(Tags.security)
def face_profiles(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """idp.E114: a profile that there is not."""
    return [
        Error(f"{setting} is one of {', '.join(thresholds.LAXER)}, or empty.", id="idp.E114")
        for setting, profile in _profiles().items()
        if profile and profile not in thresholds.LAXER
    ]


@register(Tags.security, deploy=True)
def face_calibrations(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """idp.E115: a profile is named that is not calibrated; idp.W115: none is named, and nothing is calibrated.

    At deployment only: a command that migrates or calibrates must run before there is anything to find.
    """
    try:
        return list(_uncalibrated())
    except DatabaseError:  # no tables yet
        return []


def _uncalibrated() -> Iterator[CheckMessage]:
    for setting, profile in _profiles().items():
        models = engines.models()
        found = thresholds.calibrated(models, profile or thresholds.DEFAULT)
        for model in models:
            if model in found:
                continue
            if profile:
                text = f"{setting} is {profile}, which is not calibrated for {model}: nobody is admitted by face."
                yield Error(text, hint=HINT, id="idp.E115")
            else:
                text = f"No thresholds are calibrated for {model}; those that its engine proposes decide ({setting})."
                yield Warning(text, hint=HINT, id="idp.W115")


def _profiles() -> dict[str, str]:
    """By setting; that of the lanes where it is another one."""
    node = authority()
    found = {"CAUSEWAY_FACE_PROFILE": node.face_profile}
    if node.gate_face_profile != node.face_profile:
        found["CAUSEWAY_GATE_FACE_PROFILE"] = node.gate_face_profile
    return found
