"""Recording: only in the transaction of what it records, and never changed."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from idp.audit import events, sealing
from idp.audit.models import AuditEvent, SealedEvent, Sealer, TreeHead

NOW = 1_800_000_000


def one(**changes: object) -> AuditEvent:
    return events.record(
        **{"kind": "test.done", "actor": "somebody", "subject": "thing:1", "data": {"n": 1}, **changes}
    )


@pytest.mark.django_db(transaction=True)
def test_an_event_outside_a_transaction_would_survive_a_failed_act() -> None:
    with pytest.raises(RuntimeError):
        one()


@pytest.mark.django_db(transaction=True)
def test_an_event_goes_when_the_act_is_rolled_back() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        one()
        _ = 1 // 0
    assert AuditEvent.objects.count() == 0


@pytest.mark.django_db
def test_an_event_keeps_what_it_was_told(now: int) -> None:
    event = one(data={"list": (1, "二", None, True), "deep": {"a": []}})
    event.refresh_from_db()
    assert (event.kind, event.actor, event.subject, event.at) == ("test.done", "somebody", "thing:1", now)
    assert event.data == {"list": [1, "二", None, True], "deep": {"a": []}}


@pytest.mark.django_db
@pytest.mark.parametrize("data", [{"f": 0.5}, {"b": b"x"}, {"n": {1: 2}}, {"o": object()}])
def test_data_without_one_spelling_cannot_be_hashed(data: dict[str, object]) -> None:
    with pytest.raises(RuntimeError):
        one(data=data)


@pytest.mark.django_db
def test_data_nested_without_end_is_refused() -> None:
    deep: dict[str, object] = {}
    for _ in range(20):
        deep = {"d": deep}
    with pytest.raises(RuntimeError):
        one(data=deep)


@pytest.mark.django_db
def test_our_own_code_cannot_change_or_delete_an_event() -> None:
    event = one()
    event.kind = "test.undone"
    for act in (event.save, event.delete, AuditEvent.objects.all().delete):
        with pytest.raises(RuntimeError):
            act()
    with pytest.raises(RuntimeError):
        AuditEvent.objects.update(kind="test.undone")
    with pytest.raises(RuntimeError):
        AuditEvent.objects.bulk_update([event], ["kind"])


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditevent SET kind = 'forged'",
        "DELETE FROM audit_auditevent",
        "UPDATE audit_sealedevent SET leaf_hash = leaf_hash",
        "DELETE FROM audit_sealedevent",
        "UPDATE audit_treehead SET at = 1",
        "DELETE FROM audit_treehead",
    ],
)
def test_the_database_refuses_to_change_what_is_sealed(statement: str) -> None:
    one()
    sealing.seal(NOW)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("audit_event_kind_present", lambda event: AuditEvent(kind="", actor="a", at=1)),
        ("audit_event_actor_present", lambda event: AuditEvent(kind="k", actor="", at=1)),
        ("audit_event_at_positive", lambda event: AuditEvent(kind="k", actor="a", at=0)),
        ("audit_leaf_hash_length", lambda event: SealedEvent(index=0, event=event, leaf_hash=bytes(31))),
        ("audit_head_root_length", lambda event: TreeHead(size=1, root=bytes(33), at=1)),
        ("audit_head_size_positive", lambda event: TreeHead(size=0, root=bytes(32), at=1)),
        ("audit_sealer_only_one", lambda event: Sealer(id=2)),
    ],
)
def test_each_constraint_holds(name: str, row: object) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        row(one()).save()  # type: ignore[operator]
