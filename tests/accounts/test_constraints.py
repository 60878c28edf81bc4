"""Each named constraint, violated once."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, models, transaction

from idp.accounts.models import (
    Account,
    ContactDetails,
    Device,
    Endorsement,
    Guardianship,
    OfficerInvitation,
    Passkey,
    RegisteredGuardian,
    RoleGrant,
    SpentChallenge,
    TravelDocument,
    Traveller,
)
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


def invitation(**changes: Any) -> OfficerInvitation:
    known = Account.objects.filter(username="officer").first()
    facts = {"digest": b"d" * 32, "created_at": 1, "expires_at": 2}
    officer = known or Account.objects.create_superuser("officer")
    return OfficerInvitation.objects.create(**{"account": officer, **facts, **changes})


def invited_twice() -> OfficerInvitation:
    invitation()
    return invitation(digest=b"e" * 32)


def device(**changes: Any) -> Device:
    return Device.objects.create(**{"traveller": traveller(), "jkt": "a" * 43, "name": "phone", **changes})


def registered(**changes: Any) -> RegisteredGuardian:
    card = changes.pop("document", None) or document()
    return RegisteredGuardian.objects.create(**{"document": card, "type": "hkid", "number": "B7654321", **changes})


def registered_twice() -> RegisteredGuardian:
    card = document()
    registered(document=card)
    return registered(document=card)


def guardianship(**changes: Any) -> Guardianship:
    ward = Traveller.objects.create(account=None, ward_since=1)
    facts = {"guardian": changes.pop("guardian", None) or traveller(), "ward": ward, "consented_at": 5, "began_at": 5}
    return Guardianship.objects.create(**{**facts, **changes})


def guardianship_twice() -> Guardianship:
    first = guardianship()
    return Guardianship.objects.create(guardian=first.guardian, ward=first.ward, consented_at=5, began_at=5)


def guardian_of_oneself() -> Guardianship:
    person = traveller()
    return guardianship(guardian=person, ward=person)


def undated(model: type[models.Model], **changes: Any) -> None:
    """What every way of ours dates."""
    document()
    traveller()
    model._default_manager.update(**changes)


def role(**changes: Any) -> RoleGrant:
    account = Account.objects.create_user("officer-7", kind="officer", is_staff=True)
    facts = {"account": account, "role": "auditor", "granted_by": "console", "granted_at": 5}
    return RoleGrant.objects.create(**{**facts, **changes})


def role_twice() -> RoleGrant:
    first = role()
    return RoleGrant.objects.create(account=first.account, role=first.role, granted_by="console", granted_at=6)


VIOLATIONS: list[tuple[str, Callable[[], models.Model]]] = [
    ("accounts_invitation_digest_length", lambda: invitation(digest=b"short")),
    ("accounts_invitation_expires_later", lambda: invitation(expires_at=1)),
    ("accounts_invitation_closed_with_outcome", lambda: invitation(closed_at=5)),
    ("accounts_invitation_closed_with_outcome", lambda: invitation(closed_at=5, outcome="lost")),
    ("accounts_invitation_one_open", invited_twice),
    ("accounts_account_kind_known", lambda: Account.objects.create_user("somebody", kind="visitor")),
    ("accounts_account_staff_is_officer", lambda: Account.objects.create_user("somebody", is_staff=True)),
    ("accounts_account_superuser_is_officer", lambda: Account.objects.create_user("somebody", is_superuser=True)),
    ("accounts_account_handle_length", lambda: Account.objects.create_user("somebody", user_handle=b"short")),
    ("accounts_account_closed_dated", lambda: undated(Account, is_active=False, closed_at=None)),
    ("accounts_document_revoked_dated", lambda: undated(TravelDocument, status="revoked", revoked_at=None)),
    ("accounts_document_number_unique", twice),
    ("accounts_document_type_known", lambda: document(type="pass")),
    ("accounts_document_number_present", lambda: document(number="")),
    ("accounts_document_sex_known", lambda: document(sex="Q")),
    ("accounts_document_issuer_known", lambda: document(issued_by="UTO")),
    ("accounts_document_nationality_length", lambda: document(nationality="CN")),
    ("accounts_document_status_known", lambda: document(status="lost")),
    ("accounts_document_expires_after_birth", lambda: document(expires_on=datetime.date(1990, 1, 1))),
    ("accounts_document_expires_after_issue", lambda: document(issued_on=datetime.date(2040, 1, 2))),
    ("accounts_document_residence_known", lambda: document(residence="somewhere")),
    ("accounts_document_linked_together", lambda: document(traveller=traveller())),
    (
        "accounts_contact_updated_positive",
        lambda: ContactDetails.objects.create(traveller=traveller(), updated_at=0),
    ),
    ("accounts_rolegrant_one_live", role_twice),
    ("accounts_rolegrant_role_known", lambda: role(role="everything")),
    ("accounts_rolegrant_ends_after_it_began", lambda: role(ended_at=4)),
    ("accounts_rolegrant_by_somebody", lambda: role(granted_by="")),
    ("accounts_endorsement_kind_known", lambda: endorsement(kind="Z")),
    ("accounts_endorsement_destination_known", lambda: endorsement(destination="UTO")),
    ("accounts_endorsement_dates_in_order", lambda: endorsement(valid_to=datetime.date(2025, 12, 31))),
    ("accounts_endorsement_entries_not_negative", lambda: endorsement(entries_left=-1)),
    ("accounts_endorsement_stay_in_range", lambda: endorsement(stay_days=0)),
    ("accounts_passkey_sign_count_range", lambda: passkey(sign_count=2**32)),
    ("accounts_device_jkt_length", lambda: device(jkt="short")),
    ("accounts_traveller_has_account_or_is_ward", lambda: Traveller.objects.create(account=None)),
    ("accounts_guardian_registered_once", registered_twice),
    ("accounts_guardian_type_known", lambda: registered(type="pass")),
    ("accounts_guardian_number_present", lambda: registered(number="")),
    ("accounts_guardianship_one_living", guardianship_twice),
    ("accounts_guardianship_of_another", guardian_of_oneself),
    ("accounts_guardianship_consent_first", lambda: guardianship(consented_at=6)),
    ("accounts_guardianship_ended_by_somebody", lambda: guardianship(ended_at=7)),
    ("accounts_challenge_expiry_positive", lambda: SpentChallenge.objects.create(challenge=b"c", expires_at=0)),
]


@pytest.mark.parametrize(("name", "violate"), VIOLATIONS, ids=[name for name, _ in VIOLATIONS])
def test_the_database_refuses(name: str, violate: Callable[[], models.Model]) -> None:
    from django.db import connection

    # SQLite names the columns of a unique index and not the index; and PositiveIntegerField has a check of its own.
    unique = {
        "accounts_document_number_unique": r"accounts_traveldocument\.number",
        "accounts_guardian_registered_once": r"accounts_registeredguardian\.number",
        "accounts_invitation_one_open": r"accounts_officerinvitation\.account_id",
        "accounts_rolegrant_one_live": r"accounts_rolegrant\.account_id",
        "accounts_guardianship_one_living": r"accounts_guardianship\.ward_id",
    }
    own = unique if connection.vendor == "sqlite" else {}
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
