"""Each named constraint, violated once."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, models, transaction

from idp.accounts.models import Account, ContactDetails, Device, Endorsement, Passkey, SpentChallenge, TravelDocument
from tests.accounts.people import document, traveller

pytestmark = pytest.mark.django_db
DAY = datetime.date(2026, 1, 1)


def endorsement(**changes: Any) -> Endorsement:
    facts = {"kind": "G", "destination": "HKG", "valid_from": DAY, "valid_to": DAY, "stay_days": 7}
    return Endorsement.objects.create(document=document(), **{**facts, **changes})


def twice(**changes: Any) -> TravelDocument:
    document()
    return document(**changes)


def passkey(**changes: Any) -> Passkey:
    account = traveller().account
    return Passkey.objects.create(**{"account": account, "credential_id": b"c", "public_key": b"k", **changes})


def device(**changes: Any) -> Device:
    return Device.objects.create(**{"traveller": traveller(), "jkt": "a" * 43, "name": "phone", **changes})


VIOLATIONS: list[tuple[str, Callable[[], models.Model]]] = [
    ("accounts_account_kind_known", lambda: Account.objects.create_user("somebody", kind="visitor")),
    ("accounts_account_staff_is_officer", lambda: Account.objects.create_user("somebody", is_staff=True)),
    ("accounts_account_superuser_is_officer", lambda: Account.objects.create_user("somebody", is_superuser=True)),
    ("accounts_account_handle_length", lambda: Account.objects.create_user("somebody", user_handle=b"short")),
    ("accounts_document_number_unique", twice),
    ("accounts_document_type_known", lambda: document(type="pass")),
    ("accounts_document_number_present", lambda: document(number="")),
    ("accounts_document_sex_known", lambda: document(sex="Q")),
    ("accounts_document_issuer_known", lambda: document(issued_by="UTO")),
    ("accounts_document_nationality_length", lambda: document(nationality="CN")),
    ("accounts_document_status_known", lambda: document(status="lost")),
    ("accounts_document_expires_after_birth", lambda: document(expires_on=datetime.date(1990, 1, 1))),
    ("accounts_document_expires_after_issue", lambda: document(issued_on=datetime.date(2040, 1, 2))),
    ("accounts_document_linked_together", lambda: document(traveller=traveller())),
    (
        "accounts_contact_updated_positive",
        lambda: ContactDetails.objects.create(traveller=traveller(), updated_at=0),
    ),
    ("accounts_endorsement_kind_known", lambda: endorsement(kind="Z")),
    ("accounts_endorsement_destination_known", lambda: endorsement(destination="UTO")),
    ("accounts_endorsement_dates_in_order", lambda: endorsement(valid_to=datetime.date(2025, 12, 31))),
    ("accounts_endorsement_entries_not_negative", lambda: endorsement(entries_left=-1)),
    ("accounts_endorsement_stay_in_range", lambda: endorsement(stay_days=0)),
    ("accounts_passkey_sign_count_range", lambda: passkey(sign_count=2**32)),
    ("accounts_device_jkt_length", lambda: device(jkt="short")),
    ("accounts_challenge_expiry_positive", lambda: SpentChallenge.objects.create(challenge=b"c", expires_at=0)),
]


@pytest.mark.parametrize(("name", "violate"), VIOLATIONS, ids=[name for name, _ in VIOLATIONS])
def test_the_database_refuses(name: str, violate: Callable[[], models.Model]) -> None:
    from django.db import connection

    # SQLite names the columns of a unique index and not the index; and PositiveIntegerField has a check of its own.
    own = (
        {"accounts_document_number_unique": r"accounts_traveldocument\.number"} if connection.vendor == "sqlite" else {}
    )
    positive = {"accounts_endorsement_entries_not_negative": "entries_left"}
    with (
        pytest.raises(IntegrityError, match=f"{name}|{own.get(name, name)}|{positive.get(name, name)}"),
        transaction.atomic(),
    ):
        violate()


def test_every_constraint_of_the_room_is_violated_above() -> None:
    from django.apps import apps

    names = {item.name for model in apps.get_app_config("accounts").get_models() for item in model._meta.constraints}
    assert names == {name for name, _ in VIOLATIONS}


def test_names_that_look_alike_are_one_account() -> None:
    traveller("siu.ming")
    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.create_user("ＳＩＵ.Ming")
    assert Account.objects.get_by_natural_key("SIU.MING").username == "siu.ming"
