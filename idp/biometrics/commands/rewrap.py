"""Let the current wrapping key take over every sealed face, without opening any."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, OutputWrapper

from idp.biometrics import rewrapping
from idp.biometrics.models import FaceReference
from idp.protocol.refusals import Unavailable


def add_arguments(parser: ArgumentParser) -> None:
    """There are none."""


def handle(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    """May be stopped and started again. Raises CommandError where rows are left."""
    done = lost = 0
    try:
        for progress in rewrapping.run(actor="console"):
            done, lost = done + progress.done, lost + progress.lost
            out.write(f"{done} rows")
    except Unavailable as error:
        raise CommandError(f"stopped after {done} rows: {error}") from error
    out.write(f"{done} rows are sealed under the current key now; {rewrapping.left()} are not")
    away = FaceReference.objects.filter(keeper=FaceReference.Keeper.DEVICE).count()
    if away:
        out.write(f"{away} references are on travellers' devices, under the key of their enrolment: keep it for them")
    if lost:
        raise CommandError(f"{lost} rows open under no key of this node")
