"""The phones of a traveller, each known by the key that it holds (RFC 9449)."""

import datetime
import re

from django.db import IntegrityError, transaction

from idp import clock
from idp.accounts.models import Device, Traveller
from idp.accounts.models.credentials import THUMBPRINT_CHARS
from idp.audit import events

MAX_DEVICES = 10  # in use at once; more is a sign that somebody else enrols
_THUMBPRINT = re.compile(rf"[A-Za-z0-9_-]{{{THUMBPRINT_CHARS}}}\Z")


class UnableToEnrol(Exception):
    """The device cannot be enrolled. ``code`` is one of `idp.problems`."""

    def __init__(self, detail: str, *, code: str) -> None:
        super().__init__(detail)
        self.code = code


@transaction.atomic
def enrol(*, traveller: Traveller, jkt: str, name: str) -> Device:
    """Enrol the device whose key has the RFC 7638 thumbprint ``jkt``; the same key again gives the same device.

    Raises `UnableToEnrol`: device_revoked, conflict (another traveller's, or too many), invalid_proof (no thumbprint).
    """
    if not _THUMBPRINT.match(jkt):
        raise UnableToEnrol("jkt is not a SHA-256 thumbprint", code="invalid_proof")
    known = Device.objects.filter(jkt=jkt).first()
    if known is not None:
        return _again(known, traveller)
    Traveller.objects.select_for_update().get(pk=traveller.pk)  # so that two at once cannot both be the last allowed
    if Device.objects.filter(traveller=traveller, revoked_at=None).count() >= MAX_DEVICES:
        raise UnableToEnrol("too many devices", code="conflict")
    try:
        with transaction.atomic():
            device = Device.objects.create(traveller=traveller, jkt=jkt, name=_clean(name))
    except IntegrityError:
        return _again(Device.objects.get(jkt=jkt), traveller)
    _record("accounts.device_enrolled", device, actor=f"traveller:{traveller.pk}")
    return device


@transaction.atomic
def revoke(*, device: Device, actor: str) -> Device:
    """Revoke ``device`` for ever. A second revocation changes nothing."""
    revoked_at = datetime.datetime.fromtimestamp(clock.now(), tz=datetime.UTC)
    if Device.objects.filter(pk=device.pk, revoked_at=None).update(revoked_at=revoked_at) == 1:
        _record("accounts.device_revoked", device, actor=actor)
    device.refresh_from_db()
    return device


def _again(device: Device, traveller: Traveller) -> Device:
    if device.traveller_id != traveller.pk:
        raise UnableToEnrol("the key is another traveller's", code="conflict")
    if device.revoked_at is not None:
        raise UnableToEnrol("the device was revoked", code="device_revoked")
    return device


def _clean(name: str) -> str:
    printable = "".join(char for char in name if char.isprintable()).strip()
    return printable[:64] or "Device"


def _record(kind: str, device: Device, *, actor: str) -> None:
    events.record(kind=kind, actor=actor, subject=f"device:{device.pk}", data={"traveller": str(device.traveller_id)})
