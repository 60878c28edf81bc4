"""Officers' badges at the node: for a shift, once, taken back through the bundle, and never kept."""

from typing import Any

import pytest

from idp.audit.models import AuditEvent
from idp.border import badges, bundling
from idp.border.models import Checkpoint, OfficerBadge
from idp.federation import signing
from idp.protocol import strict_json
from idp.protocol.officer_badge import MAX_LIFE, verify_badge
from idp.protocol.trust_bundle import TrustBundle, load_bundle
from tests.border.test_admin import clerk, officer
from tests.border.world import NODE, World

__all__ = ["clerk", "officer"]  # fixtures

OFFICER = "account:7"


def issue(world: World, **changes: Any) -> tuple[OfficerBadge, str]:
    options = {"checkpoint": Checkpoint.objects.get(), "officer": OFFICER, "hours": 8, "now": world.now}
    return badges.issue(**{**options, **changes})


def bundle(world: World) -> TrustBundle:
    wire = strict_json.dumps(bundling.build(checkpoint=Checkpoint.objects.get(), now=world.now))
    pinned = signing.published("federation")
    return load_bundle(wire, pinned=pinned, anchor=NODE, checkpoint=world.checkpoint.entity_id, now=world.now)


def test_lane_reads_the_badge_with_the_bundle_it_has(world: World) -> None:
    made, text = issue(world)
    known = bundle(world)
    read = verify_badge(
        text,
        keys=known.bundle_keys,
        node=NODE,
        checkpoint=world.checkpoint.entity_id,
        revoked=known.revoked_badges,
        now=world.now,
    )
    assert (read.officer, read.jti, read.expires_at) == (OFFICER, made.jti, world.now + 8 * 3600)
    assert AuditEvent.objects.get(kind="badge.issued").subject == made.jti


def test_badge_taken_back_stands_in_the_bundle_until_it_would_have_ended(world: World) -> None:
    """A list that only grows would fill the bundle; one without it would leave the session open."""
    made, _ = issue(world)
    other, _ = issue(world)
    assert bundle(world).revoked_badges == frozenset()
    assert badges.revoke(badge=made, actor=OFFICER, now=world.now)
    assert not badges.revoke(badge=made, actor=OFFICER, now=world.now), "once"
    assert bundle(world).revoked_badges == {made.jti}
    assert badges.revoked(checkpoint=other.checkpoint, now=made.expires_at) == []
    assert AuditEvent.objects.filter(kind="badge.revoked").count() == 1


def test_text_of_a_badge_is_kept_nowhere(world: World) -> None:
    """Who reads the database would be an officer at the lane."""
    _, text = issue(world)
    rows = [str(row) for model in (OfficerBadge, AuditEvent) for row in model.objects.values()]
    assert not any(text.rpartition(".")[2] in row for row in rows)


def test_shift_is_no_longer_than_a_lane_takes(world: World) -> None:
    made, _ = issue(world, hours=100)
    assert made.expires_at - made.issued_at == MAX_LIFE


@pytest.mark.parametrize("hours", ["8", "12"])
def test_officer_takes_a_badge_at_the_admin_site_and_sees_it_once(world: World, officer: Any, hours: str) -> None:
    page = officer.post("/admin/border/officerbadge/add/", {"checkpoint": Checkpoint.objects.get().pk, "hours": hours})
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    made = OfficerBadge.objects.get()
    assert made.officer.startswith("account:")
    text = page.context["text"]
    assert text in page.content.decode()
    assert "<svg" in page.content.decode()
    assert text not in officer.get("/admin/border/officerbadge/").content.decode()
    assert officer.get(f"/admin/border/officerbadge/{made.pk}/change/").status_code == 200
    answer = officer.post(
        "/admin/border/officerbadge/", {"action": "take_back", "_selected_action": [made.pk]}, follow=True
    )
    assert answer.status_code == 200
    made.refresh_from_db()
    assert made.revoked_at is not None


@pytest.mark.parametrize("hours", ["0", "13", "x", ""])
def test_badge_for_no_shift_is_not_made(world: World, officer: Any, hours: str) -> None:
    officer.post("/admin/border/officerbadge/add/", {"checkpoint": Checkpoint.objects.get().pk, "hours": hours})
    assert not OfficerBadge.objects.exists()


def test_clerk_without_the_permission_gets_none(world: World, clerk: Any) -> None:
    answer = clerk.post("/admin/border/officerbadge/add/", {"checkpoint": Checkpoint.objects.get().pk, "hours": "8"})
    assert answer.status_code == 403
    assert not OfficerBadge.objects.exists()
