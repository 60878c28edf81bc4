"""Officers at the same moment: of those who saw one and the same thing, one changes it."""

from copy import copy

import pytest
from django.test import Client

from idp.audit.models import AuditEvent
from idp.border.models import DuplicateAlert
from tests.border.officers.desk import Desk, ask, chief, send
from tests.oidc.test_races import race

WORKERS = 4
pytestmark = [pytest.mark.usefixtures("shared_database"), pytest.mark.django_db(transaction=True)]


def test_an_alert_that_many_resolve_at_once_is_resolved_by_one(desk: Desk) -> None:
    """The tag is compared, somebody else resolves, and then it is written all the same: a lost update."""
    officer = chief()
    path = f"/alerts/{desk.alert.pk}"
    seen = ask(officer, path)["ETag"]

    def resolve() -> int:
        window = Client(headers={"host": "hk.localhost"})
        window.cookies = copy(officer.cookies)
        return send(window, f"{path}/resolve", if_match=seen).status_code

    assert race(*[resolve] * WORKERS) == [200] + [412] * (WORKERS - 1)
    assert DuplicateAlert.objects.get().resolved_at == desk.world.now
    assert AuditEvent.objects.filter(kind="crossing.duplicate_resolved").count() == 1
