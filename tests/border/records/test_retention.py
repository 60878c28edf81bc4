"""What is let go of, when, and what can still be proved afterwards."""

import hmac
from io import StringIO
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection

from idp import conf
from idp.audit import verification
from idp.audit.models import AuditEvent
from idp.border import recording, tasks
from idp.border.models import AdmittedToken, DuplicateAlert, JournalEntry, Lane, OutgoingReceipt
from idp.border.records import partitions, pseudonyms, retention, verifying
from idp.border.records.months import Month
from idp.border.records.reading import DAY
from idp.protocol import journal, merkle, strict_json
from tests.border.world import OFFICER, Gate, World

PEER = "https://idp.cn.example"
pytestmark = [pytest.mark.usefixtures("shared_database"), pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _own_keys(settings: Any, tmp_path: Any) -> None:
    settings.IDP_KEY_DIR = tmp_path / "keys"


def hand_in(world: World, gate: Gate, first: int = 1, *, now: int) -> None:
    recording.record(lane=gate.lane, batch=gate.batch(first), now=now)


@pytest.fixture
def long_ago(world: World) -> World:
    """Three entries of four months ago, and one of now."""
    then = world.now - 120 * DAY
    for number in (1, 2):
        world.gate.entry(then + number, jti=f"old-{number}", sub="someone")
    world.gate.entry(then + 3, jti="", iss="", sub="", decision="refuse", reason="malformed")
    hand_in(world, world.gate, now=then + 10)
    world.gate.entry(world.now, jti="new", sub="someone")
    hand_in(world, world.gate, 4, now=world.now)
    return world


def rows() -> list[tuple[str, str]]:
    return list(JournalEntry.objects.order_by("seq").values_list("jti", "subject"))


def lane_of(world: World) -> Lane:
    return Lane.objects.select_related("checkpoint__hosted").get(pk=world.gate.lane.pk)


def test_old_numbers_become_pseudonyms_and_new_ones_stay(long_ago: World) -> None:
    """Both databases write the same: HMAC-SHA256 (RFC 2104) under the month's key, nothing for nothing."""
    found = retention.retain(now=long_ago.now)
    month = Month.of(long_ago.now - 90 * DAY)
    key = pseudonyms.key(month)

    def pseudonym(text: str) -> str:
        return strict_json.b64encode(hmac.digest(key, text.encode(), "sha256"))

    someone = pseudonym("subject someone")
    olds = [(pseudonym(f"jti old-{number}"), someone) for number in (1, 2)]
    assert rows() == [*olds, ("", ""), ("new", "someone")]
    assert found.pseudonymised == 3 and lane_of(long_ago).pseudonymous_seq == 3
    assert set(pseudonyms.all_of("jti", "old-1")) == {olds[0][0]}


def test_the_chain_holds_afterwards_and_the_audit_says_which_range(long_ago: World) -> None:
    """Whoever changes a hash, or swaps two entries of the range, is found by the root."""
    hashes = list(JournalEntry.objects.order_by("seq").values_list("hash", flat=True))
    assert not list(verifying.findings(lane_of(long_ago)))
    retention.retain(now=long_ago.now)
    assert list(JournalEntry.objects.order_by("seq").values_list("hash", flat=True)) == hashes
    assert not list(verifying.findings(lane_of(long_ago)))
    event = AuditEvent.objects.get(kind="journal.pseudonymised")
    assert event.subject == long_ago.gate.lane.lane_id
    assert (event.data["first"], event.data["last"]) == (1, 3)
    assert event.data["root"] == merkle.root(merkle.leaf_hash(item.encode()) for item in hashes[:3]).hex()
    JournalEntry.objects.filter(seq=2).update(hash="h" * 43, prev="h" * 43)
    found = "\n".join(verifying.findings(lane_of(long_ago)))
    assert "1-3: these are not the hashes" in found and "2: it does not continue" in found


@pytest.mark.parametrize("changes", [{"jti": "x"}, {"at": 1}, {"decision": "refuse", "reason": "expired"}])
def test_an_entry_that_was_changed_later_is_found(world: World, changes: dict[str, Any]) -> None:
    """invalid solely because of one column."""
    world.gate.entry(world.now)
    hand_in(world, world.gate, now=world.now)
    JournalEntry.objects.update(**changes)
    assert list(verifying.findings(lane_of(world))) == ["1: it is not what its hash says"]
    whole = list(verification.findings(world.now))  # what ``manage.py audit verify`` says
    assert [line for line in whole if line.startswith(f"journal of {world.gate.lane.lane_id}: 1:")]


def test_an_entry_that_was_taken_out_is_found(long_ago: World) -> None:
    for seq, found in ((4, "4: the journal does not end"), (2, "3: entries before it are missing")):
        JournalEntry.objects.filter(seq=seq).delete()
        assert any(line.startswith(found) for line in verifying.findings(lane_of(long_ago)))


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_a_second_run_changes_nothing(long_ago: World, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    """A pseudonym of a pseudonym could be looked for by nobody."""
    monkeypatch.setattr(retention, "BATCH", batch)
    tasks.retain()
    before, events = rows(), AuditEvent.objects.count()
    assert retention.retain(now=long_ago.now) == retention.Outcome()
    assert rows() == before and AuditEvent.objects.count() == events
    assert AuditEvent.objects.filter(kind="journal.pseudonymised").count() == -(-3 // batch)


def test_a_lanes_clock_neither_hurries_nor_stops_it(world: World) -> None:
    """By the lane's own time the first would go at once, and the second never."""
    for at in (1_000, 2**53 - 1, world.now):
        world.gate.entry(at, sub="someone")
    hand_in(world, world.gate, now=world.now)
    assert retention.retain(now=world.now + 89 * DAY).pseudonymised == 0
    assert retention.retain(now=world.now + 91 * DAY).pseudonymised == 3
    assert {subject for _, subject in rows()}.isdisjoint({"someone"})


def test_dry_run_says_what_is_due_and_does_nothing(long_ago: World) -> None:
    before, out = rows(), StringIO()
    call_command("border", "retain", "--dry-run", stdout=out)
    assert "pseudonymised 3" in out.getvalue() and "tokens 2" in out.getvalue()
    assert rows() == before and AdmittedToken.objects.count() == 3
    assert not AuditEvent.objects.filter(kind__startswith="journal.pseud").exists() and not pseudonyms.months()
    call_command("border", "retain", stdout=out)
    assert rows() != before and AdmittedToken.objects.count() == 1


def test_equal_numbers_cannot_be_connected_over_months(world: World) -> None:
    for at in (world.now, world.now + 40 * DAY):
        world.gate.entry(at, sub="someone")
        hand_in(world, world.gate, len(world.gate.entries), now=at)
        retention.retain(now=at + 91 * DAY)
    subjects = {subject for _, subject in rows()}
    assert len(subjects) == 2 and subjects == set(pseudonyms.all_of("subject", "someone"))


def test_a_key_is_destroyed_when_its_time_is_over(long_ago: World) -> None:
    """While it is there, a number that somebody knows can be looked for; afterwards it cannot."""
    retention.retain(now=long_ago.now)
    (month,) = pseudonyms.months()
    path = conf.authority().key_dir / "pseudonyms" / f"{month}.key"
    ends = month.end + (365 + 90) * DAY
    assert retention.retain(now=ends - 1).keys == 0 and path.exists()
    assert retention.retain(now=ends).keys == 1 and not path.exists()
    assert month not in pseudonyms.months()
    assert AuditEvent.objects.get(kind="journal.pseudonym_key_destroyed", subject=str(month))
    pseudonyms.destroy(month)  # twice is no harm


def test_crossings_go_after_their_months(long_ago: World) -> None:
    """Whole months on PostgreSQL, rows on SQLite; what is younger stays, and the lane goes on."""
    then = Month.of(long_ago.now - 120 * DAY)
    last = then.shifted(36).end
    retention.retain(now=last - 1)
    assert JournalEntry.objects.count() == 4
    found = retention.retain(now=last)
    assert [row.jti == "" for row in JournalEntry.objects.all()] == [False]
    if connection.vendor == "postgresql":
        # Tests before this one may have left months of their own behind.
        assert found.months >= 1 and found.entries == 0 and then not in partitions.months()
        assert AuditEvent.objects.filter(kind="journal.month_dropped", subject=str(then)).count() == 1
    else:
        assert (found.months, found.entries) == (0, 3)
    assert not list(verifying.findings(lane_of(long_ago)))
    long_ago.gate.entry(long_ago.now)
    hand_in(long_ago, long_ago.gate, 5, now=long_ago.now)
    assert JournalEntry.objects.order_by("seq").last().seq == 5


def test_a_batch_comes_again_after_pseudonyms_and_after_its_month(long_ago: World) -> None:
    """A lane that was stored away hands in what it never heard an answer to."""
    retention.retain(now=long_ago.now)
    old = journal.sign_head(long_ago.gate.entries[:2], long_ago.gate.key)
    assert recording.record(lane=long_ago.gate.lane, batch=old, now=long_ago.now) == 4
    retention.retain(now=Month.of(long_ago.now).shifted(36).begin)
    assert recording.record(lane=long_ago.gate.lane, batch=old, now=long_ago.now) == 4
    assert not DuplicateAlert.objects.exists()


@pytest.mark.parametrize("after", ["claim", "pseudonym"])
def test_a_second_passing_that_comes_months_late_raises_its_alert(world: World, after: str) -> None:
    """The claim of the token is gone by then, and perhaps the number, too: the journals are asked."""
    other = world.enrol(world.checkpoint, "2", sealing=world.gate.sealing)
    for gate in (world.gate, other):
        gate.entry(world.now, jti="twice", iss=PEER)
    hand_in(world, world.gate, now=world.now)
    later = world.now + 92 * DAY
    if after == "claim":
        AdmittedToken.objects.all().delete()
    else:
        retention.retain(now=later)
    hand_in(world, other, now=later)
    alert = DuplicateAlert.objects.get()
    assert (alert.first_lane.name, alert.second_lane.name, alert.jti) == ("1", "2", "twice")


def test_an_alert_keeps_its_number_until_an_officer_has_looked(world: World) -> None:
    for _ in range(2):
        world.gate.entry(world.now, jti="twice")
    hand_in(world, world.gate, now=world.now)
    later = world.now + 200 * DAY
    retention.retain(now=later)
    assert DuplicateAlert.objects.get().jti == "twice"
    recording.resolve(alert=DuplicateAlert.objects.get(), officer=OFFICER, now=later)
    for _ in range(2):
        assert retention.retain(now=later + 89 * DAY).alerts == 0
    assert retention.retain(now=later + 91 * DAY).alerts == 1
    number = DuplicateAlert.objects.get().jti
    assert number != "twice" and number in pseudonyms.all_of("jti", "twice")
    assert retention.retain(now=later + 92 * DAY).alerts == 0


def test_receipts_go_when_they_were_delivered_and_their_months_are_over(world: World) -> None:
    """One that the peer never took is still owed."""
    for number in (1, 2):
        world.gate.entry(world.now, jti=f"token-{number}", iss=PEER)
    hand_in(world, world.gate, now=world.now)
    OutgoingReceipt.objects.filter(token_jti="token-1").update(delivered_at=world.now)
    retention.retain(now=Month.of(world.now).shifted(36).end)
    assert [receipt.token_jti for receipt in OutgoingReceipt.objects.all()] == ["token-2"]


@pytest.mark.parametrize(
    "setting", [{"IDP_IDENTIFIED_DAYS": 34}, {"IDP_PSEUDONYM_KEY_DAYS": -1}, {"IDP_CROSSINGS_MONTHS": 3}]
)
def test_periods_that_cannot_be_are_an_error(settings: Any, setting: dict[str, int]) -> None:
    """invalid solely because of one period."""
    assert not [message for message in run_checks() if message.id == "idp.E118"]
    for name, value in setting.items():
        setattr(settings, name, value)
    assert [message.id for message in run_checks() if message.id == "idp.E118"] == ["idp.E118"]
