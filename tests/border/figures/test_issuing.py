"""Issuance by the hour is what was issued, also after a worker's pause of any length."""

from collections import Counter

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.border.figures import issuing, reading
from idp.border.models import HOUR, IssuanceHour, IssuedToken
from tests.border.figures.tokens import issued
from tests.border.world import World
from tests.conftest import NOW

BEGIN = NOW - NOW % HOUR
PAUSES = st.lists(st.tuples(st.integers(0, 3 * HOUR), st.booleans(), st.sampled_from(["exit", "entry"])), max_size=10)


@pytest.fixture
def token(world: World) -> IssuedToken:
    assert world.ask().status_code == 201
    return IssuedToken.objects.get()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pauses=PAUSES)
def test_a_token_is_not_counted(token: IssuedToken, pauses: list[tuple[int, bool, str]]) -> None:
    IssuanceHour.objects.all().delete()
    IssuedToken.objects.exclude(pk=token.pk).delete()
    now, expected = BEGIN, Counter({(0, token.direction): 1})
    IssuedToken.objects.update(issued_at=BEGIN)
    for pause, counted, direction in pauses:
        now += pause
        issued(token, at=now, direction=direction)
        expected[(now - BEGIN) // HOUR, direction] += 1
        if counted:
            issuing.count()
    issuing.count()
    until = BEGIN + 40 * HOUR
    found = reading.issued(since=BEGIN, until=until, step=HOUR, by=("bin", "direction"))
    assert {tuple(key): count for *key, count in found} == expected


def test_every_token_is_read_again(token: IssuedToken) -> None:
    """By the index of the time of issue, in SQLite's plan; PostgreSQL's would depend on how many there are."""
    plan = IssuedToken.objects.filter(issued_at__gte=NOW).order_by().values("pk").explain()
    assert connection.vendor != "sqlite" or "border_token_issued" in plan
    plan = IssuedToken.objects.filter(revoked_at__gte=NOW, revoked_at__lt=NOW + 9).order_by().values("pk").explain()
    assert connection.vendor != "sqlite" or "border_token_revoked" in plan
