"""What ends is dated, whichever way it is ended: border tokens that stand on it are found by the date."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.forms import modelform_factory

from idp.accounts.admin import EndorsementInline
from idp.accounts.models import Account, Endorsement, TravelDocument
from tests.accounts.people import document, traveller
from tests.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
DAY = datetime.date(2026, 1, 1)


def _saved(row: Any, field: str, value: object, **options: Any) -> None:
    setattr(row, field, value)
    row.save(**options)


WAYS: dict[str, Callable[[Any, str, object], object]] = {
    "saved": lambda row, field, value: _saved(row, field, value),
    "checked and saved": lambda row, field, value: (setattr(row, field, value), row.full_clean(), row.save()),
    "saved in part": lambda row, field, value: _saved(row, field, value, update_fields=[field]),
    "updated": lambda row, field, value: type(row)._default_manager.filter(pk=row.pk).update(**{field: value}),
    "found and updated": lambda row, field, value: type(row)._default_manager.update_or_create(
        pk=row.pk, defaults={field: value}
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", ["account", "document"])
def test_an_end_is_dated_and_so_is_its_being_undone(way: str, what: str) -> None:
    row = traveller().account if what == "account" else document()
    field, living, ended, dated = {
        "account": ("is_active", True, False, "closed_at"),
        "document": ("status", "valid", "revoked", "revoked_at"),
    }[what]
    for value, at in ((ended, NOW), (living, None)):
        WAYS[way](row, field, value)
        row.refresh_from_db()
        assert (getattr(row, field), getattr(row, dated)) == (value, at)


def test_a_later_change_leaves_the_date_as_it_was() -> None:
    row = document(status="revoked")
    TravelDocument.objects.update(revoked_at=NOW - 60)
    row = TravelDocument.objects.get(pk=row.pk)
    row.name_latin = "OTHER"
    row.save()
    assert TravelDocument.objects.get().revoked_at == NOW - 60


def test_what_is_made_ended_is_dated() -> None:
    assert document(status="revoked").revoked_at == NOW
    assert Account.objects.create_user("closed", is_active=False).closed_at == NOW


def test_an_officer_withdraws_an_endorsement_and_cannot_delete_it() -> None:
    """The page of its document has a tick for it."""
    assert not EndorsementInline.can_delete
    facts = {"kind": "G", "destination": "HKG", "valid_from": DAY, "valid_to": DAY, "stay_days": 7}
    row = Endorsement.objects.create(document=document(), **facts)
    bound = modelform_factory(Endorsement, form=EndorsementInline.form, fields=[*facts])
    for ticked, at in ((True, NOW), (False, None)):
        form = bound({**facts, **({"withdrawn": "on"} if ticked else {})}, instance=Endorsement.objects.get(pk=row.pk))
        assert form.is_valid(), form.errors
        form.save()
        assert Endorsement.objects.get(pk=row.pk).withdrawn_at == at
    assert bound(instance=Endorsement(document=row.document, withdrawn_at=5)).initial["withdrawn"] is True
