"""A register with a portrait, a traveller who links it, and real photographs of real faces."""

import datetime
from functools import cache
from typing import Any

from django.contrib.auth.models import Permission
from django.test import Client

from idp.accounts.models import Account, TravelDocument, Traveller
from idp.biometrics import enrolment, jobs, portraits
from idp.biometrics.models import Job
from idp.demo import photographs
from idp.demo import takes as simulated
from idp.federation import signing

HOST = "hk.localhost"
PASSWORD = "a long and quiet word"


@cache
def portrait(person: int) -> bytes:
    return photographs.people()[person].jpeg


@cache
def burst(person: int, seed: int = 1) -> tuple[bytes, ...]:
    return tuple(photographs.live_capture(person, seed))


@cache
def takes(person: int, *challenge: str) -> tuple[tuple[bytes, ...], ...]:
    """The simulated traveller who does what a job asks for."""
    return tuple(map(tuple, simulated.takes(person, 1, challenge)))


def traveller(name: str) -> Traveller:
    return Traveller.objects.create(account=Account.objects.create_user(name, PASSWORD))


def document(number: str = "A1234563", *, person: int | None = 0, **changes: Any) -> TravelDocument:
    """A document of the register, with ``person``'s portrait."""
    facts = {
        "type": "hkid",
        "number": number,
        "name_native": "陳大文",
        "name_latin": "CHAN, TAI MAN",
        "birth_date": datetime.date(1990, 1, 1),
        "sex": "M",
        "nationality": "CHN",
        "issued_by": "HKG",
        **changes,
    }
    made = TravelDocument.objects.create(**facts)
    if person is not None:
        portraits.import_portrait(document=made, picture=portrait(person), officer="account:7", now=1)
    return made


def submitted(holder: Traveller, named: TravelDocument, frames: tuple[bytes, ...], now: int) -> Job:
    """A job without a challenge, for tests of what becomes of it; the challenge has tests of its own."""
    job = unchallenged(jobs.begin(traveller=holder, document=named, now=now))
    enrolment.submit(job=job, takes=[frames], now=now)
    return job


def unchallenged(job: Job) -> Job:
    """It asks for the take that looks straight, and for no other."""
    Job.objects.filter(pk=job.pk).update(challenge=[])
    job.refresh_from_db()
    return job


def browser(name: str | None) -> Client:
    """A browser, logged in as ``name`` with a password."""
    signing.ensure_keys()
    client = Client(headers={"host": HOST})
    if name is not None:
        assert client.post("/account/login", {"username": name, "password": PASSWORD}).status_code in (302, 303)
    return client


def officer(name: str, *permissions: str) -> Client:
    """A browser of an officer with these permissions, logged in with the second factor."""
    from django_otp.plugins.otp_totp.models import TOTPDevice

    account = Account.objects.create_user(name, PASSWORD, is_staff=True, kind=Account.Kind.OFFICER)
    account.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client(headers={"host": HOST})
    client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session["otp_device_id"] = TOTPDevice.objects.create(user=account, name="a", confirmed=True).persistent_id
    session.save()
    return client
