"""Workers that read and change the rule book at the same moment."""

from collections.abc import Callable

import pytest

from idp.audit.models import AuditEvent
from idp.border.models import RuleVersion
from idp.border.rules import book
from idp.proposals import proposing
from idp.proposals.proposing import UnableToDecide
from tests.border.rules.conftest import RULE, SECOND, proposed
from tests.conftest import NOW
from tests.oidc.conftest import shared_database  # noqa: F401  a fixture
from tests.oidc.test_races import race

pytestmark = [pytest.mark.usefixtures("shared_database", "now"), pytest.mark.django_db(transaction=True)]


def test_four_first_readers_take_in_what_is_shipped_once() -> None:
    """Each finds the book empty."""
    assert len({*race(*[book.edition for _ in range(4)])}) == 1
    assert AuditEvent.objects.filter(kind="border.rules_shipped").count() == 1


def test_two_changes_at_once_stand_one_after_the_other() -> None:
    """Each is checked against the book that has the other in it: two additions of one id are not both made."""
    waiting = [proposed("add", **{**RULE, "stay_days": days}) for days in (1, 2)]
    waiting += [proposed("add", **{**RULE, "id": f"other-{number}"}) for number in range(2)]

    def approving(made: object) -> Callable[[], int]:
        def job() -> int:
            try:
                proposing.approve(proposal=made, officer=SECOND, now=NOW)
            except UnableToDecide:
                return 1
            return 0

        return job

    assert race(*[approving(made) for made in waiting]) == [0, 0, 0, 1]
    assert RuleVersion.objects.filter(rule=RULE["id"]).count() == 1
    line = list(RuleVersion.objects.order_by("pk").values_list("after", "edition"))
    assert [after for after, _ in line[1:]] == [edition for _, edition in line[:-1]]
    assert book.edition() == line[-1][1]
