"""Devices: one key, one traveller, and no way back from a revocation."""

import pytest

from idp.accounts import devices
from idp.accounts.devices import UnableToEnrol
from idp.accounts.models import Device
from idp.audit.models import AuditEvent
from tests.accounts.people import traveller

pytestmark = pytest.mark.django_db
JKT = "a" * 43


def test_the_same_key_again_is_the_same_device() -> None:
    person = traveller()
    first = devices.enrol(traveller=person, jkt=JKT, name="Phone")
    assert devices.enrol(traveller=person, jkt=JKT, name="Another name") == first
    assert AuditEvent.objects.filter(kind="accounts.device_enrolled").count() == 1


def test_another_traveller_s_key_is_refused() -> None:
    """Invalid solely because the key was enrolled by somebody else."""
    devices.enrol(traveller=traveller("first"), jkt=JKT, name="p")
    with pytest.raises(UnableToEnrol) as caught:
        devices.enrol(traveller=traveller("other"), jkt=JKT, name="p")
    assert caught.value.code == "conflict"


def test_a_revoked_key_never_comes_back() -> None:
    """Invalid solely because the device was revoked."""
    person = traveller()
    device = devices.enrol(traveller=person, jkt=JKT, name="p")
    revoked = devices.revoke(device=device, actor="account:1")
    assert revoked.revoked_at == devices.revoke(device=device, actor="account:1").revoked_at
    assert AuditEvent.objects.filter(kind="accounts.device_revoked").count() == 1
    with pytest.raises(UnableToEnrol) as caught:
        devices.enrol(traveller=person, jkt=JKT, name="p")
    assert caught.value.code == "device_revoked"


@pytest.mark.parametrize("jkt", ["", "a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "\n", "é" * 43])
def test_what_is_no_thumbprint_is_refused(jkt: str) -> None:
    with pytest.raises(UnableToEnrol) as caught:
        devices.enrol(traveller=traveller(), jkt=jkt, name="p")
    assert caught.value.code == "invalid_proof"


def test_there_is_an_end_to_devices_and_revoking_makes_room() -> None:
    person = traveller()
    made = [devices.enrol(traveller=person, jkt=f"{n:043}", name="p") for n in range(devices.MAX_DEVICES)]
    with pytest.raises(UnableToEnrol):
        devices.enrol(traveller=person, jkt=JKT, name="p")
    devices.revoke(device=made[0], actor="a")
    devices.enrol(traveller=person, jkt=JKT, name="p")


@pytest.mark.parametrize(
    ("given", "kept"), [("\x00 \n", "Device"), (" Pixel\u202e 9 ", "Pixel 9"), ("x" * 99, "x" * 64)]
)
def test_a_name_is_short_and_can_be_shown(given: str, kept: str) -> None:
    assert devices.enrol(traveller=traveller(), jkt=JKT, name=given).name == kept
    assert Device.objects.get().name == kept
