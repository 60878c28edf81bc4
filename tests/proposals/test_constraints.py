"""Each named constraint of the room, violated."""

from collections.abc import Mapping
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from idp.proposals.models import Proposal
from tests.proposals.conftest import FIRST, NOW, SECOND, proposed
from tests.proposals.test_reviews import VIOLATIONS as REVIEWS

pytestmark = pytest.mark.django_db
DECIDED = {"decided_by": SECOND, "decided_at": NOW}
VIOLATIONS: Mapping[str, list[dict[str, Any]]] = {
    "proposals_state_known": [{"state": "sure", **DECIDED}],
    "proposals_decided_together": [
        {"state": "approved", "decided_by": SECOND},
        {"state": "rejected", "decided_at": NOW},
        DECIDED,
    ],
    "proposals_second_person": [
        {"state": "approved", **DECIDED, "decided_by": FIRST},
        {"state": "rejected", **DECIDED, "decided_by": FIRST},
    ],
    "proposals_withdrawn_by_the_first": [{"state": "withdrawn", **DECIDED}],
    "proposals_somebody_and_why": [{"why": ""}, {"proposed_by": ""}, {"kind": ""}],
    "proposals_live_a_while": [{"expires_at": NOW}],
    "proposals_approved_in_time": [{"state": "approved", **DECIDED, "expires_at": NOW, "proposed_at": NOW - 1}],
}


@pytest.mark.parametrize(("name", "changes"), [(name, item) for name, items in VIOLATIONS.items() for item in items])
def test_the_database_refuses(name: str, changes: dict[str, Any]) -> None:
    """invalid solely because of the one constraint named."""
    proposed()
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Proposal.objects.update(**changes)


def test_no_constraint_is_left_out() -> None:
    rooms = apps.get_app_config("proposals").get_models()
    tested = {*VIOLATIONS, *(name for name, _ in REVIEWS)}
    assert {item.name for model in rooms for item in model._meta.constraints} == tested
