"""Each named constraint of the room, violated."""

from collections.abc import Callable

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.db.models import F

from idp.border.models import (
    AdmittedToken,
    BundleFetch,
    Checkpoint,
    ConfirmedCrossing,
    ConsentUse,
    CrossingHour,
    CrossingReceipt,
    DecisionTimeHour,
    Discrepancy,
    DuplicateAlert,
    IssuanceHour,
    IssuedToken,
    JournalEntry,
    Lane,
    LaneReport,
    OfficerBadge,
    OutgoingReceipt,
    PackedWatchlist,
    ReceiptQueue,
    RevocationDelayHour,
    RuleVersion,
)
from idp.border.watching import watch
from tests.border.world import World


def _copy(row: object, **changes: object) -> None:
    """Insert ``row`` again with ``changes``."""
    row.pk = None
    row._state.adding = True
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(force_insert=True)


def _receipt() -> None:
    for _ in range(2):
        CrossingReceipt.objects.create(
            sender="s", token_jti="t", receipt_jti="r", checkpoint="c", direction="entry", at=1, received_at=1
        )


def _owed(**changes: object) -> None:
    facts = {"recipient": "r", "token_jti": "t", "checkpoint": "c", "lane": "1", "direction": "entry", "at": 1}
    for seq in range(2):
        OutgoingReceipt.objects.create(**{**facts, "seq": seq, **changes})


def _hour(count: int = 1) -> None:
    place = Checkpoint.objects.get()
    CrossingHour.objects.create(hour=0, checkpoint=place, direction="exit", decision="admit", count=count)


def _time(count: int = 1) -> None:
    DecisionTimeHour.objects.create(hour=0, checkpoint=Checkpoint.objects.get(), bucket=1, count=count)


def _issuance(count: int = 1) -> None:
    IssuanceHour.objects.create(hour=0, authority="a", checkpoint="c", direction="exit", count=count)


def _fetch(at: int = 6) -> None:
    BundleFetch.objects.create(lane=Lane.objects.get(), since=5, at=at)


def _delay(count: int = 1) -> None:
    RevocationDelayHour.objects.create(hour=0, checkpoint=Checkpoint.objects.get(), bucket=1, count=count)


def _alert(second_seq: int) -> None:
    lane = Lane.objects.get()
    DuplicateAlert.objects.create(
        issuer="i",
        jti="j",
        first_lane=lane,
        first_seq=1,
        first_direction="exit",
        first_at=1,
        second_lane=lane,
        second_seq=second_seq,
        second_direction="exit",
        second_at=1,
        raised_at=1,
    )


def _crossing(**changes: object) -> ConfirmedCrossing:
    token = IssuedToken.objects.order_by("pk").last()
    facts = {"token": token, "traveller": token.traveller, "authority": "a", "territory": "CHN", "direction": "exit"}
    return ConfirmedCrossing.objects.create(**{**facts, "at": 1, "confirmed_at": 1, **changes})


def _another_token() -> IssuedToken:
    _copy(IssuedToken.objects.last(), jti="another", status_idx=131069)
    return IssuedToken.objects.get(jti="another")


def _two_entries_for_an_exit() -> None:
    exit_ = _crossing()
    for number in range(2):
        _copy(IssuedToken.objects.last(), jti=f"entry-{number}", status_idx=131070 - number)
        _crossing(direction="entry", exit=exit_)


def _discrepancy(**changes: object) -> None:
    for _ in range(2):
        facts = {"kind": "weekly", "authority": "a", "jti": "j", "checkpoint": "c", "direction": "exit", "at": 1}
        Discrepancy.objects.create(**{**facts, "raised_at": 1, **changes})


VIOLATIONS: dict[str, Callable[[], object]] = {
    "border_lane_once_per_checkpoint": lambda: _copy(Lane.objects.get()),
    "border_lane_report_camera_known": lambda: LaneReport.objects.create(lane=Lane.objects.get(), camera="odd"),
    "border_lane_key_with_enrolment": lambda: Lane.objects.update(enrolled_at=None),
    "border_token_lives": lambda: IssuedToken.objects.update(expires_at=1_800_000_000),
    "border_token_revoked_for_a_reason": lambda: IssuedToken.objects.update(revoked_at=1),
    "border_token_suspended_by_somebody": lambda: IssuedToken.objects.update(suspended_at=1),
    "border_token_guardian_is_another": lambda: IssuedToken.objects.update(guardian=F("traveller")),
    "border_consent_counted_once": lambda: _copy(ConsentUse.objects.get()),
    "border_consent_not_exceeded": lambda: ConsentUse.objects.update(used=F("most") + 1),
    "border_token_own_status_entry": lambda: _copy(IssuedToken.objects.get(), jti="other"),
    "border_journal_entry_once": lambda: _copy(JournalEntry.objects.get()),
    "border_journal_decision": lambda: JournalEntry.objects.update(decision="wave"),
    "border_token_admitted_once": lambda: _copy(AdmittedToken.objects.get()),
    "border_alert_two_entries": lambda: _alert(1),
    "border_alert_once": lambda: [_alert(2) for _ in range(2)],
    "border_receipt_owed_once": _owed,
    "border_crossing_confirmed_once": lambda: [_crossing() for _ in range(2)],
    "border_crossing_one_entry_for_an_exit": _two_entries_for_an_exit,
    "border_crossing_use_known": lambda: _crossing(use="used"),
    "border_crossing_entry_has_the_exit": lambda: _crossing(exit=_crossing(token=_another_token())),
    "border_discrepancy_once": _discrepancy,
    "border_discrepancy_kind_known": lambda: _discrepancy(kind="odd"),
    "border_discrepancy_resolved_by_somebody": lambda: _discrepancy(resolved_at=1),
    "border_receipt_names_a_token": lambda: _owed(token_jti=""),
    "border_receipt_once": _receipt,
    "border_rule_version_once": lambda: _copy(RuleVersion.objects.latest("pk"), after="x"),
    "border_rule_editions_in_one_line": lambda: _copy(RuleVersion.objects.latest("pk"), rule="other"),
    "border_rule_changed_by_two": lambda: _copy(RuleVersion.objects.latest("pk"), version=2, after="x"),
    "border_badge_lives_a_shift": lambda: OfficerBadge.objects.create(
        jti="x", officer="o", checkpoint=Checkpoint.objects.get(), issued_at=0, expires_at=12 * 3600 + 1
    ),
    "border_crossing_hour_once": lambda: [_hour() for _ in range(2)],
    "border_crossing_hour_counts": lambda: _hour(count=0),
    "border_decision_time_once": lambda: [_time() for _ in range(2)],
    "border_decision_time_counts": lambda: _time(count=0),
    "border_issuance_hour_once": lambda: [_issuance() for _ in range(2)],
    "border_issuance_hour_counts": lambda: _issuance(count=0),
    "border_bundle_fetch_in_one_line": lambda: [_fetch() for _ in range(2)],
    "border_bundle_fetch_goes_on": lambda: _fetch(at=5),
    "border_revocation_delay_once": lambda: [_delay() for _ in range(2)],
    "border_revocation_delay_counts": lambda: _delay(count=0),
    "border_one_packed_watchlist": lambda: PackedWatchlist.objects.create(pk=2),
}
UNIQUE_COLUMNS: dict[str, Callable[[], object]] = {
    "recipient": lambda: [ReceiptQueue.objects.create(recipient="r", next_attempt_at=1) for _ in range(2)],
    "code": lambda: _copy(Checkpoint.objects.get(), hosted_id=0),
    "jti": lambda: _copy(IssuedToken.objects.get(), status_idx=131071),
}


@pytest.fixture
def filled(world: World) -> World:
    from idp.border import recording

    assert world.ask().status_code == 201
    world.gate.entry(world.now)
    recording.record(lane=world.gate.lane, batch=world.gate.batch(), now=world.now)
    return world


@pytest.mark.parametrize("name", [*VIOLATIONS, *UNIQUE_COLUMNS])
def test_the_database_refuses(filled: World, name: str) -> None:
    """invalid solely because of the one constraint named."""
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        {**VIOLATIONS, **UNIQUE_COLUMNS}[name]()
    columns = {"border_lane_once_per_checkpoint": "name", "border_token_own_status_entry": "status_idx"}
    columns |= {"border_rule_version_once": "version", "border_rule_editions_in_one_line": "after"}
    columns |= {"border_journal_entry_once": "seq", "border_receipt_once": "token_jti"}
    columns |= {
        "border_token_admitted_once": "jti",
        "border_alert_once": "second_seq",
        "border_receipt_owed_once": "token_jti",
        "border_crossing_confirmed_once": "token_id",
        "border_crossing_one_entry_for_an_exit": "exit_id",
        "border_discrepancy_once": "kind",
        "border_consent_counted_once": "consent",
        "border_crossing_hour_once": "hour",
        "border_issuance_hour_once": "hour",
        "border_bundle_fetch_in_one_line": "since",
        "border_revocation_delay_once": "bucket",
        "border_decision_time_once": "bucket",
    }
    message = str(refused.value)  # SQLite names the columns of a unique constraint, PostgreSQL the constraint
    assert name in message or columns.get(name, name) in message


def test_no_constraint_is_left_out(db: None) -> None:
    rooms = apps.get_app_config("border").get_models()
    named = {constraint.name for model in rooms for constraint in model._meta.constraints}
    assert named == set(VIOLATIONS)


def test_a_number_is_watched_once_and_never_kept(db: None) -> None:
    first = watch(document_number="A123456(3)", officer="account:7", now=1)
    assert watch(document_number="a1234563", officer="account:8", now=2) == first
    assert "A123456" not in str(vars(first))
