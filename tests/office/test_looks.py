"""No page of the admin site shows a person without a look on record: every page is opened as every role."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client

from idp.accounts import granting
from idp.accounts.models import Account, ContactDetails, Passkey
from idp.accounts.roles import Role
from idp.audit import events, reading
from idp.audit.models import AuditEvent
from idp.biometrics.models import Attempts, FaceReference, Job
from idp.border import recording
from idp.border.models import IssuedToken
from tests.border.world import NODE, World, browser
from tests.looks import look, subject_of

MARK = "zqmark"  # is in every text that a person would be known by
NUMBER = "ZQ7654321"
MOST = 400  # pages for one role: there are fewer
_LINK = re.compile(r'(?:href|action)="([^"#]+)')
_ID = re.compile(r"[0-9a-f-]{32,36}|\d+")


@pytest.fixture
def marked(world: World) -> World:
    """A traveller of whom every row has the mark, with a row on every page there is."""
    account = world.traveller.account
    Account.objects.filter(pk=account.pk).update(username=f"{MARK}.name", display_name=f"{MARK} shown")
    names = {"number": NUMBER, "name_latin": f"{MARK} LATIN", "name_native": f"{MARK}名"}
    type(world.document).objects.filter(pk=world.document.pk).update(**names)
    world.traveller.devices.update(name=f"{MARK} phone")
    told = {"email": f"{MARK}@example.hk", "phone": "+85291234567", "updated_at": world.now}
    ContactDetails.objects.create(traveller=world.traveller, **told)
    Passkey.objects.create(account=account, credential_id=b"1", public_key=b"2", name=f"{MARK} key")
    whose = {"traveller": world.traveller, "document": world.document}
    for kind, state in (("link", "review"), ("renew", "dead")):
        over = None if state == "review" else world.now
        Job.objects.create(kind=kind, state=state, created_at=world.now, finished_at=over, note=f"{MARK} note", **whose)
    Attempts.objects.create(document=world.document, failures=3)
    assert FaceReference.objects.filter(document=world.document).exists()
    assert world.ask().status_code == 201
    world.gate.entry(world.now, jti=IssuedToken.objects.get().jti, iss=NODE)
    recording.record(lane=world.gate.lane, batch=world.gate.batch(), now=world.now)
    return world


def officer(role: Role, now: int) -> Client:
    account = Account.objects.create_user(f"{role.value}.1", kind="officer", is_staff=True)
    granting.grant(account=account, role=role, actor="console", now=now)
    return browser(account)


def crawl(client: Client) -> Iterator[tuple[str, Any, int]]:
    """Every page, each kind of address once: its address, the answer, and the last event before it was asked for."""
    waiting, seen = ["/admin/"], {"/admin/"}
    while waiting:
        path = waiting.pop(0)
        before = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        answer: Any = client.get(path)
        yield path, answer, before
        if subject_of(answer) is not None:
            before = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
            answer = look(client, path, reason="supervision")
            yield path, answer, before
        if "text/html" not in answer.get("Content-Type", "") or answer.status_code != 200:
            continue
        for found in _LINK.findall(answer.content.decode()):
            target = urljoin(path, unescape(found))
            parts = urlsplit(target)
            kind = f"{_ID.sub('N', parts.path)}{'?' if parts.query else ''}"
            if parts.netloc or not parts.path.startswith("/admin/") or kind in seen or "logout" in parts.path:
                continue
            seen.add(kind)
            waiting.append(target)
        assert len(seen) < MOST


def body(answer: Any) -> str:
    return (b"".join(answer) if answer.streaming else answer.content).decode(errors="replace")


@pytest.mark.parametrize("role", list(Role), ids=[role.value for role in Role])
def test_whoever_sees_a_person_has_said_why(marked: World, role: Role) -> None:
    """The mark in an answer, and no event with a reason from the same request: somebody looked unseen."""
    pages, shown, unseen = 0, set(), []
    for path, answer, before in crawl(officer(role, marked.now)):
        pages += 1
        text = body(answer)
        if MARK not in text and NUMBER not in text:
            continue
        shown.add(_ID.sub("N", urlsplit(path).path))
        noted = AuditEvent.objects.filter(pk__gt=before, kind=reading.KIND)
        if not any(event.data["reason"] == "supervision" for event in noted):
            unseen.append(path)
    assert unseen == []
    assert pages > 20
    if role in (Role.BORDER, Role.AUDITOR):
        assert {"/admin/accounts/traveller/N/change/", "/admin/accounts/account/"} <= shown
    if role in (Role.OPERATOR, Role.TRUST):
        assert shown == set(), "whose work is not with travellers sees none"


def test_no_event_has_the_person_in_it(marked: World) -> None:
    client = officer(Role.BORDER, marked.now)
    for path in ("/admin/accounts/traveller/", f"/admin/accounts/traveldocument/{marked.document.pk}/change/"):
        look(client, path)
    assert events.INSERT and all(
        MARK not in str(vars(event)) and NUMBER not in str(vars(event)) for event in AuditEvent.objects.all()
    )
