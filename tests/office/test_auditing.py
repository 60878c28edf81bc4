"""The audit's pages: an event that a search loses, a proof that nobody can check, an export that nobody answers for."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client

from idp.accounts import granting
from idp.accounts.models import Account
from idp.accounts.roles import Role
from idp.audit import events, sealing, tree, verifying
from idp.audit.models import AuditEvent, LookWords, Verification
from idp.audit.tasks import verify
from idp.border import paging
from idp.federation import signing, tree_heads
from idp.federation.models import HeldHead, WitnessedHead
from idp.office.auditing import searching, words
from idp.office.auditing.searching import Wanted
from tests.border.world import NODE, browser
from tests.conftest import NOW

pytestmark = pytest.mark.django_db
SEARCH = "/admin/audit/"
VERIFY = f"{SEARCH}verifications/"


def happened(number: int, **changes: Any) -> AuditEvent:
    facts = {"kind": "lane.enrolled", "actor": "account:7", "subject": f"lane:{number}", "data": {"n": number}}
    with transaction.atomic():
        return events.record(**{**facts, **changes})


@pytest.fixture
def record(now: int, db: None) -> int:
    """Nine events, sealed under a head of yesterday; two more under one of today; one that waits."""
    signing.ensure_keys()
    for number in range(9):
        happened(number)
    sealing.seal(NOW)
    tree_heads.sign(NOW - 86_400)
    happened(9, kind="lane.revoked", actor="account:8", data={"why": "Überholt 陳", "case": "X-1"})
    happened(10)
    sealing.seal(NOW)
    tree_heads.sign(NOW)
    return tree.size()


def client_of(role: Role) -> Client:
    account = Account.objects.create_user(f"{role.value}.1", kind="officer", is_staff=True)
    granting.grant(account=account, role=role, actor="console", now=NOW)
    return browser(account)


@pytest.fixture
def auditor(record: int) -> Client:
    return client_of(Role.AUDITOR)


@pytest.mark.parametrize("role", [Role.TRUST, Role.BORDER, Role.BIOMETRIC, Role.OPERATOR], ids=lambda role: role.value)
def test_nobody_but_an_auditor_sees_the_audit(record: int, role: Role) -> None:
    other, first = client_of(role), AuditEvent.objects.order_by("pk").first()
    assert first is not None
    paths = ("", f"events/{first.pk}/", f"events/{first.pk}/proof/", "keys/", f"auditevent/{first.pk}/change/")
    assert [other.get(f"{SEARCH}{path}").status_code for path in paths] == [403] * len(paths)
    assert other.post(f"{SEARCH}export/", {"reason": "supervision"}).status_code == 403


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"kind": "lane.revoked"}, {9}),
        ({"actor": "account:8"}, {9}),
        ({"subject": "lane:3"}, {3}),
        ({"words": "überholt 陳"}, {9}),
        ({"words": "x-1"}, {9}),
        ({"kind": "lane.enrolled", "words": "x-1"}, set()),
        ({"kind": "lane", "words": ""}, set()),
        ({"until": "2027-01-15 16:00:00"}, set()),
        ({"since": "2027-01-15 16:00:00", "kind": "lane.revoked"}, {9}),
    ],
)
def test_a_search_finds_what_it_asks_for(auditor: Client, query: dict[str, str], found: set[int]) -> None:
    rows = auditor.get(SEARCH, query).context["rows"]
    assert {int(row["event"].subject.split(":")[1]) for row in rows} == found


def test_what_cannot_be_asked_finds_nothing(auditor: Client) -> None:
    answer = auditor.get(SEARCH, {"since": "yesterday"})
    assert answer.context["rows"] == [] and "errorlist" in answer.content.decode()
    auditor.raise_request_exception = False
    assert auditor.get(SEARCH, {"after": "x"}).status_code == 400


def test_pages_follow_one_another(record: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the key of the last one: an event that comes in between hides none."""
    monkeypatch.setattr(paging, "LIMIT", 4)
    seen, after = [], ""
    while True:
        page = searching.page(Wanted(), after=after)
        seen += [event.pk for event in page.rows]
        happened(99)
        after = page.after or ""
        if not after:
            break
    expected = [pk for pk in AuditEvent.objects.order_by("-at", "-pk").values_list("pk", flat=True) if pk <= seen[0]]
    assert seen == expected


def test_words_are_looked_for_a_stretch_at_a_time(record: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that finds nothing in a long record ends, and says where to look on."""
    monkeypatch.setattr(searching, "SCANNED", 4)
    monkeypatch.setattr(searching, "_CHUNK", 2)
    pages, after, found = 0, "", []
    while True:
        page = searching.page(Wanted(words="lane:0"), after=after)
        pages, found = pages + 1, [*found, *page.rows]
        after = page.after or ""
        if not after:
            break
    assert [event.subject for event in found] == ["lane:0"] and pages >= 3


def test_an_event_is_told_in_words_and_proven(auditor: Client) -> None:
    event = AuditEvent.objects.get(kind="lane.revoked")
    answer = auditor.get(f"{SEARCH}events/{event.pk}/")
    page = answer.content.decode()
    assert "A lane was revoked" in page and "file number" in page and "X-1" in page
    assert answer.context["verified"] and f"Leaf {event.sealed.index}" in page
    assert str(tree.root_at(tree.size()).hex()) in page


def test_an_event_that_waits_for_its_seal_has_no_proof(auditor: Client) -> None:
    event = happened(11)
    assert "not sealed yet" in auditor.get(f"{SEARCH}events/{event.pk}/").content.decode()
    assert auditor.get(f"{SEARCH}events/{event.pk}/proof/")["Location"] == f"{SEARCH}events/{event.pk}/"


def test_a_head_of_another_time_proves_what_was_there_then(auditor: Client) -> None:
    old, new = AuditEvent.objects.get(subject="lane:1"), AuditEvent.objects.get(subject="lane:9")
    yesterday = {"at": "2027-01-14 17:00:00"}
    assert auditor.get(f"{SEARCH}events/{old.pk}/", yesterday).context["head"].size < tree.size()
    assert auditor.get(f"{SEARCH}events/{old.pk}/", yesterday).context["verified"]
    assert "came after this head" in auditor.get(f"{SEARCH}events/{new.pk}/", yesterday).content.decode()
    before = {"at": "2027-01-01 00:00:00"}
    assert "none was by then" in auditor.get(f"{SEARCH}events/{old.pk}/", before).content.decode()


def test_a_downloaded_proof_is_checked_by_public_keys_alone(auditor: Client, tmp_path: Path, capsys: Any) -> None:
    event = AuditEvent.objects.get(subject="lane:4")
    (tmp_path / "keys").write_bytes(auditor.get(f"{SEARCH}keys/").content)
    (tmp_path / "proof").write_bytes(auditor.get(f"{SEARCH}events/{event.pk}/proof/").content)
    by = ("--keys", str(tmp_path / "keys"), "--issuer", NODE)
    call_command("audit", "check-proof", str(tmp_path / "proof"), *by)
    assert f"event {event.pk} is leaf {event.sealed.index}" in capsys.readouterr().out
    other = json.loads((tmp_path / "proof").read_bytes())
    (tmp_path / "proof").write_text(json.dumps({**other, "event": other["event"].replace("lane:4", "lane:5")}))
    with pytest.raises(CommandError, match="not proven"):
        call_command("audit", "check-proof", str(tmp_path / "proof"), *by)


def exported(auditor: Client, **given: str) -> Any:
    form = {"reason": "investigation", "case": "2027/113", "search-kind": "lane.enrolled", **given}
    return auditor.post(f"{SEARCH}export/", form)


def test_an_export_is_checked_by_public_keys_alone(auditor: Client, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "keys").write_bytes(auditor.get(f"{SEARCH}keys/").content)
    answer = exported(auditor)
    assert answer.streaming and answer["Content-Type"] == "application/zip"
    (tmp_path / "zip").write_bytes(b"".join(answer))
    by = ("--keys", str(tmp_path / "keys"), "--issuer", NODE)
    call_command("audit", "check-export", str(tmp_path / "zip"), *by)
    assert "10 events" in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "zip") as archive, zipfile.ZipFile(tmp_path / "other", "w") as other:
        for name in archive.namelist():
            other.writestr(name, archive.read(name).replace(b"lane:3", b"lane:5"))
    for broken in ("other", "keys", "missing"):
        with pytest.raises(CommandError, match="not proven"):
            call_command("audit", "check-export", str(tmp_path / broken), *by)


def test_an_export_is_an_event_with_its_reason(auditor: Client) -> None:
    exported(auditor, words="for the court")
    event = AuditEvent.objects.get(kind="audit.exported")
    assert event.actor.startswith("account:")
    assert (event.data["reason"], event.data["case"], event.data["search"]) == (
        "investigation",
        "2027/113",
        {"kind": "lane.enrolled"},
    )
    assert "court" not in str(event.data) and LookWords.objects.get(event=event).words == "for the court"


@pytest.mark.parametrize(
    "given",
    [{"reason": ""}, {"case": ""}, {"reason": "other"}, {"search-since": "x"}],
    ids=["none", "file", "words", "time"],
)
def test_nothing_is_exported_without_a_reason(auditor: Client, given: dict[str, str]) -> None:
    """invalid solely because of one field."""
    answer = exported(auditor, **given)
    assert answer.status_code == 302 and "kind=lane.enrolled" in answer["Location"]
    assert not AuditEvent.objects.filter(kind="audit.exported").exists()


def test_without_a_signed_head_nothing_is_exported(now: int) -> None:
    assert exported(client_of(Role.AUDITOR)).status_code == 302
    assert not AuditEvent.objects.filter(kind="audit.exported").exists()


def test_the_proofs_of_one_prover_are_those_of_the_tree(record: int) -> None:
    prove = tree.prover(record)
    assert [prove(index) for index in range(record)] == [tree.inclusion_proof(index, record) for index in range(record)]


def test_what_has_no_words_is_shown_all_the_same() -> None:
    assert all(str(label) for label in words.KINDS.values())
    assert words.kind("lane.models_announced") == "lane: models announced"
    assert dict(words.facts({"reason": "complaint", "x": [{"y": 1}]})) == {
        words.NAMES["reason"]: "a complaint",
        "x": "y: 1",
    }


def test_an_auditor_asks_for_a_verification_and_reads_its_result(
    auditor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    monkeypatch.setattr(verify, "delay", begun.append)
    assert auditor.post(VERIFY, {"first": "2", "last": "4"}).status_code == 302
    row = Verification.objects.get()
    assert (row.first, row.last, begun) == (2, 5, [row.pk])
    page = auditor.get(VERIFY).content.decode()
    assert 'http-equiv="refresh"' in page and "2–4" in page
    assert "One waits already" in auditor.post(VERIFY, {}).content.decode()
    verify(row.pk)
    page = auditor.get(VERIFY).content.decode()
    assert "nothing is broken" in page and 'http-equiv="refresh"' not in page


def test_a_range_that_is_not_there_is_not_asked_for(auditor: Client) -> None:
    for form in ({"first": "4", "last": "2"}, {"last": "999"}, {"first": "x"}):
        assert auditor.post(VERIFY, form).status_code == 200
    assert not Verification.objects.exists()


def test_a_broker_that_is_down_loses_no_verification(auditor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(pk: int) -> None:
        raise OSError("no broker")

    monkeypatch.setattr(verify, "delay", down)
    assert auditor.post(VERIFY, {}).status_code == 302
    assert verifying.open_ones(NOW) == [Verification.objects.get().pk]


def test_a_peer_that_contradicted_itself_stands_out(auditor: Client) -> None:
    facts = {"authority": "https://cn.example", "size": 9, "root": b"r" * 32, "at": NOW, "seen_at": NOW, "text": "t"}
    WitnessedHead.objects.create(**facts)
    assert "each head continues" in auditor.get(VERIFY).content.decode()
    WitnessedHead.objects.create(**{**facts, "root": b"s" * 32, "contradicts": True, "why": "w"})
    HeldHead.objects.create(holder="https://mo.example", size=4711, at=NOW, told_at=NOW)
    page = auditor.get(VERIFY).content.decode()
    assert "contradicted itself" in page and "4711" in page
