"""A token is stored whole or not at all: count, status entry, row and audit event."""

from typing import Any

import pytest
from django.db import IntegrityError, connection

from idp.audit.models import AuditEvent
from idp.border import storing
from idp.border.models import ConsentUse, IssuedToken
from idp.federation import status_lists
from idp.federation.models import StatusEntry, StatusList
from tests.border.test_races import asking
from tests.border.world import World
from tests.oidc.test_races import race

pytestmark = [pytest.mark.usefixtures("shared_database"), pytest.mark.django_db(transaction=True)]


def counted() -> set[int]:
    """How many there are of each part of what was stored: one number, where they agree."""
    found = IssuedToken.objects.order_by("pk").first()
    assert found is not None and found.status_uri in map(status_lists.uri_of, StatusList.objects.all())
    return {
        sum(ConsentUse.objects.values_list("used", flat=True)),
        IssuedToken.objects.count(),
        StatusEntry.objects.count(),
        AuditEvent.objects.filter(kind="border_token.issued").count(),
    }


def test_no_count_stands_without_a_token_where_all_draw_the_same_entry(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has it; the others' statements fail as a whole and are sent again."""
    real, first = status_lists.draw, iter([[7] * status_lists.DRAWS] * 4)
    ask = asking(world, world.grant(world.detail(max_tokens=9)), str(world.document.pk))
    ask()  # so that there is a list
    monkeypatch.setattr(status_lists, "draw", lambda: next(first, None) or real())
    assert race(*[ask] * 4) == [0] * 4
    assert counted() == {5}


def test_what_collided_is_stored_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or somebody in 131,072 is told that the node is broken."""
    real, raised = storing.store, []

    def store(**what: Any) -> Any:
        if not raised:
            raised.append(True)
            raise IntegrityError
        return real(**what)

    monkeypatch.setattr(storing, "store", store)
    asking(world, world.grant(), str(world.document.pk))()
    assert counted() == {1}


def test_a_list_lives_as_long_as_the_last_token_in_it(world: World) -> None:
    """Or it is retired while a token that was fetched ahead could still be revoked."""
    for ahead in (False, True):
        asking(world, world.grant(world.detail(ahead=ahead)), str(world.document.pk))()
    assert counted() == {2}
    last = max(IssuedToken.objects.values_list("expires_at", flat=True))
    assert StatusList.objects.get().last_expiry >= last > world.now + 7200


@pytest.mark.skipif(connection.vendor != "postgresql", reason="elsewhere it is several statements")
def test_a_token_is_one_statement_and_one_transaction(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each more costs the node more than the signature does."""
    ask, sent = asking(world, world.grant(), str(world.document.pk)), []
    ask()
    real = storing.prepared.run
    monkeypatch.setattr(storing.prepared, "run", lambda *what: sent.append(connection.in_atomic_block) or real(*what))
    monkeypatch.setattr(storing.events, "record", None)
    ask()
    assert [atomic for atomic in sent if atomic] == [] and IssuedToken.objects.count() == 2


def test_a_consent_that_ends_within_the_minute_does_not_stand_before_another(world: World) -> None:
    """The traveller agreed to both, and the second has time and tokens left."""
    ending = world.detail(valid_until=world.now - world.now % 60 + 59, max_tokens=1)
    asked = asking(world, world.grant(ending, world.detail(max_tokens=1)), str(world.document.pk))
    assert [asked(), asked()] == [0, 1]
    assert counted() == {1}
