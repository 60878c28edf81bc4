"""Thirty-two workers issue, revoke, upload and consume against each other; afterwards every invariant is looked at."""

from collections import Counter
from collections.abc import Callable

import pytest
from django.db import transaction

from idp.accounts.models import Endorsement
from idp.audit import sealing, verification
from idp.audit.models import AuditEvent
from idp.border import confirmation, issuance, orphans, recording, revocation, token_requests
from idp.border.models import (
    AdmittedToken,
    ConfirmedCrossing,
    CrossingReceipt,
    Discrepancy,
    DuplicateAlert,
    IssuedToken,
    JournalEntry,
    Lane,
    OutgoingReceipt,
)
from idp.federation.models import StatusEntry
from idp.oidc.models import Grant
from idp.protocol import journal
from tests.border.test_confirmation import own_token, receipt
from tests.border.test_races import granted_access
from tests.border.world import Gate, World
from tests.federation.peers import Peers
from tests.oidc.test_races import race

LIMIT = 5  # tokens of the consent
LANES, ENTRIES = 4, 6  # of each lane; the last three are of tokens that every lane admits
ENDORSED, RECEIPTS = 3, 4  # entries of the endorsement, and those that were made on it
pytestmark = [pytest.mark.usefixtures("shared_database"), pytest.mark.django_db(transaction=True)]
Job = Callable[[], int]


def issuing(world: World, grant: Grant) -> Job:
    request = token_requests.TokenRequest(
        world.checkpoint.entity_id, "exit", str(world.document.pk), "jwt", world.holder.public
    )

    def ask() -> int:
        try:
            issuance.issue(access=granted_access(world, grant), request=request, now=world.now)
        except issuance.UnableToIssue as error:
            assert error.code == "consent_exhausted"
            return 0
        return 1

    return ask


def revoking(world: World, grant: Grant) -> list[Job]:
    """By token, by consent, and as the node looks for orphans."""

    def tokens() -> int:
        revocation.revoke(tokens=IssuedToken.objects.filter(grant_id=str(grant.pk)), actor="account:7", now=world.now)
        return 0

    def consent() -> int:
        with transaction.atomic():
            Grant.objects.filter(pk=grant.pk).update(revoked_at=world.now)
        return 0

    def look() -> int:
        orphans.follow(now=world.now)
        return 0

    return [tokens, tokens, consent, look]


def uploading(world: World, gate: Gate) -> Job:
    batch = gate.batch()

    def upload() -> int:
        recording.record(lane=gate.lane, batch=batch, now=world.now)
        return 0

    return upload


def confirming(world: World, text: str) -> Job:
    def accept() -> int:
        confirmation.accept(text.encode(), now=world.now)
        return 0

    return accept


def sealing_job(world: World) -> Job:
    def seal() -> int:
        sealing.seal(world.now)
        return 0

    return seal


def gates(world: World, issuer: str) -> list[Gate]:
    """Lanes of one checkpoint that do not know of each other: three tokens of their own each, three that all admit."""
    made = [world.enrol(world.checkpoint, f"r{number}", "exit", world.gate.sealing) for number in range(LANES)]
    for number, gate in enumerate(made):
        for place in range(ENTRIES):
            name = f"own-{number}-{place}" if place < ENTRIES // 2 else f"shared-{place}"
            gate.entry(world.now, iss=issuer, jti=name)
    return made


def check_tokens(grant: Grant, issued: int) -> None:
    """The consent's limit holds; each token has an index of its own; none outlives the consent."""
    tokens = list(IssuedToken.objects.filter(grant_id=str(grant.pk)))
    assert len(tokens) == issued <= LIMIT
    assert len({(token.status_uri, token.status_idx) for token in tokens}) == len(tokens)
    assert all(token.revoked_at is not None for token in tokens)
    for token in tokens:
        entry = StatusEntry.objects.get(status_list__name=token.status_uri.rpartition("/")[2], idx=token.status_idx)
        assert entry.value == revocation.INVALID
    kinds = Counter(AuditEvent.objects.filter(kind__startswith="border_token.").values_list("kind", flat=True))
    assert kinds["border_token.issued"] == kinds["border_token.revoked"] == len(tokens)


def check_journals(made: list[Gate], issuer: str) -> None:
    """Each chain is whole, each token is admitted once or alerted, each receipt is owed once."""
    for gate in made:
        rows = JournalEntry.objects.filter(lane=gate.lane).order_by("seq")
        assert [(row.seq, row.hash) for row in rows] == [
            (entry.seq, journal.entry_hash(entry)) for entry in gate.entries
        ]
        assert Lane.objects.get(pk=gate.lane.pk).journal_seq == ENTRIES
    often = Counter(entry.jti for gate in made for entry in gate.entries)
    assert Counter(AdmittedToken.objects.values_list("jti", flat=True)) == Counter(set(often))
    twice = Counter({jti: times - 1 for jti, times in often.items() if times > 1})
    assert Counter(DuplicateAlert.objects.values_list("jti", flat=True)) == twice
    owed = OutgoingReceipt.objects.filter(recipient=issuer).values_list("token_jti", flat=True)
    assert Counter(owed) == Counter(set(often))
    assert AuditEvent.objects.filter(kind="journal.recorded").count() == LANES
    assert AuditEvent.objects.filter(kind="crossing.duplicate").count() == twice.total()


def check_entries() -> None:
    """Each receipt once, each entry once, and the one too many is an officer's."""
    assert CrossingReceipt.objects.count() == ConfirmedCrossing.objects.count() == RECEIPTS
    uses = Counter(ConfirmedCrossing.objects.values_list("use", flat=True))
    assert uses == {"used": ENDORSED, "overdrawn": RECEIPTS - ENDORSED}
    assert Endorsement.objects.get().entries_left == 0
    assert Discrepancy.objects.filter(kind=Discrepancy.Kind.OVERDRAWN).count() == RECEIPTS - ENDORSED


def test_thirty_two_workers_leave_nothing_half_done_twice_or_unnoticed(world: World, peers: Peers) -> None:
    """Eight issue, four revoke, eight upload, eight bring receipts, four seal: all against each other."""
    issuer = peers.cn.entity_id
    grant = world.grant(world.detail(max_tokens=LIMIT))
    made = gates(world, issuer)
    first = own_token(world, peers, "entry-0", entries_left=ENDORSED)
    tokens = [first]
    for number in range(1, RECEIPTS):
        token = own_token(world, peers, f"entry-{number}")
        spare, token.endorsement = token.endorsement, first.endorsement
        token.save()
        spare.delete()
        tokens.append(token)
    texts = [receipt(peers, token, jti=f"receipt-{token.jti}") for token in tokens]
    confirmation.accept(
        texts[0].encode(), now=world.now
    )  # the peer's keys are at hand, as they are after its first one
    results = race(
        *[issuing(world, grant)] * 8,
        *revoking(world, grant),
        *[uploading(world, gate) for gate in made] * 2,
        *[confirming(world, text) for text in texts] * 2,
        *[sealing_job(world)] * 4,
    )
    assert len(results) == 32
    orphans.follow(now=world.now)  # a token that was being issued meanwhile is there at the next look
    check_tokens(grant, sum(results))
    check_journals(made, issuer)
    check_entries()
    sealing.seal(world.now)
    assert list(verification.findings(world.now)) == []
