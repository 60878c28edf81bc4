"""System checks of the biometrics room."""

from typing import Any

from django.core.checks import Tags, Warning, register

HINT = "Install a licensed pack, calibrated on your own travellers (docs/operations.md)."


@register(Tags.security, deploy=True)
def embedded_engine(app_configs: Any, **_: Any) -> list[Warning]:
    """The embedded face engine is for trying; it is the only one that there is so far."""
    return [Warning("The embedded face engine is active, which is for trying only.", hint=HINT, id="idp.W102")]
