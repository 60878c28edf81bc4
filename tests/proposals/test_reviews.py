"""An act of one officer and what another says of it: who may say it, once, and that waiting raises an alarm."""

import logging
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.test import Client
from django_otp.plugins.otp_static.models import StaticDevice

from idp import clock
from idp.audit.models import AuditEvent
from idp.proposals import reviews, tasks
from idp.proposals.models import Review
from idp.proposals.reviews import REVIEW_WITHIN, UnableToReview
from tests.proposals.conftest import FIRST, NOW, SECOND
from tests.proposals.officers import THIRD, appoint

pytestmark = pytest.mark.django_db
DECIDED = {"state": "in_order", "reviewed_by": SECOND, "reviewed_at": NOW, "note": "asked the peer"}
VIOLATIONS = [
    ("proposals_review_state_known", {**DECIDED, "state": "sure"}),
    ("proposals_reviewed_together", {"state": "in_order"}),
    ("proposals_reviewed_together", {**DECIDED, "note": ""}),
    ("proposals_reviewed_together", {**DECIDED, "state": "waiting"}),
    ("proposals_reviewed_by_another", {**DECIDED, "reviewed_by": FIRST}),
    ("proposals_review_of_something", {"what": ""}),
    ("proposals_reviewed_afterwards", {**DECIDED, "reviewed_at": NOW - 1}),
]


def acted(officer: str = FIRST) -> Review:
    appoint()
    return reviews.record(kind="test.act", subject="thing:1", what="stopped it", officer=officer, now=NOW)


@pytest.mark.parametrize(("name", "changes"), VIOLATIONS)
def test_the_database_refuses(name: str, changes: dict[str, Any]) -> None:
    """invalid solely because of the one constraint named."""
    acted()
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Review.objects.update(**changes)


def test_a_review_names_both_officers_in_the_audit() -> None:
    done = reviews.decide(review=acted(), in_order=False, note=" no need ", officer=SECOND, now=NOW + 5)
    assert (done.state, done.reviewed_by, done.note) == ("not_in_order", SECOND, "no need")
    event = AuditEvent.objects.get(kind="review.not_in_order")
    assert (event.actor, event.data["acted_by"]) == (SECOND, FIRST)
    assert AuditEvent.objects.get(kind="review.asked").actor == FIRST


@pytest.mark.parametrize(("officer", "note"), [(FIRST, "all well"), (SECOND, "  "), (SECOND, "x" * 501)])
def test_not_by_the_one_who_acted_and_not_without_a_note(officer: str, note: str) -> None:
    with pytest.raises(UnableToReview):
        reviews.decide(review=acted(), in_order=True, note=note, officer=officer, now=NOW)
    assert Review.objects.get().state == "waiting"


def test_a_word_that_was_given_stands() -> None:
    """A second officer who overwrites what the first reviewer found."""
    review = acted()
    reviews.decide(review=review, in_order=False, note="no need", officer=SECOND, now=NOW)
    with pytest.raises(UnableToReview):
        reviews.decide(review=review, in_order=True, note="well", officer=THIRD, now=NOW)
    assert Review.objects.get().state == "not_in_order"


def test_after_a_day_without_a_word_there_is_an_alarm(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    acted()
    monkeypatch.setattr(clock, "now", lambda: NOW + REVIEW_WITHIN - 1)
    assert tasks.overdue_reviews() == 0
    monkeypatch.setattr(clock, "now", lambda: NOW + REVIEW_WITHIN)
    assert tasks.overdue_reviews() == 1
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]


def officer(name: str) -> tuple[Client, str]:
    """An officer with the second factor done, and how the audit names that one."""
    client = Client(headers={"host": "hk.localhost"})
    account = get_user_model().objects.create_superuser(username=name, password="x")
    client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session["otp_device_id"] = StaticDevice.objects.create(user=account, name="test").persistent_id
    session.save()
    return client, f"account:{account.pk}"


def test_the_work_list_leads_another_officer_to_the_page_and_not_the_one_who_acted() -> None:
    first, name = officer("first")
    second, _ = officer("second")
    review = acted(name)
    page = f"/admin/proposals/reviews/{review.pk}/"
    assert page in second.get("/admin/proposals/reviews/").content.decode()
    assert page not in first.get("/admin/proposals/reviews/").content.decode()
    first.post(page, {"found": "in_order", "note": "mine was fine"})
    assert Review.objects.get().state == "waiting"
    assert second.post(page, {"found": "in_order", "note": "asked the peer"}).status_code == 302
    assert Review.objects.get().state == "in_order"
