"""What several workers do at the same moment: no limit is passed, nothing is used twice."""

from collections.abc import Callable

import pytest

from idp.accounts.models import Endorsement, TravelDocument
from idp.border import confirmation, issuance, token_requests
from idp.border.models import ConsentUse, CrossingReceipt, IssuedToken
from idp.oidc import access
from idp.oidc.models import Grant
from tests.border.families import child, granted
from tests.border.test_confirmation import own_token, receipt
from tests.border.world import World
from tests.federation.peers import Peers
from tests.oidc.test_races import race

WORKERS = 4
pytestmark = [pytest.mark.usefixtures("shared_database"), pytest.mark.django_db(transaction=True)]


def granted_access(world: World, grant: Grant) -> access.Access:
    return access.Access(
        traveller=world.traveller,
        account=world.traveller.account,
        client_id="c",
        sub="s",
        jkt=world.phone.public.thumbprint,
        scope="",
        authorization_details=grant.authorization_details,
        acr=grant.acr,
        amr=("hwk",),
        auth_time=world.now,
        grant_id=grant.pk,
    )


def asking(world: World, grant: Grant, *documents: str) -> Callable[[], int]:
    """A worker's request for these documents together: 0 when it was issued, 1 when the consent was used up."""
    requests = [
        token_requests.TokenRequest(world.checkpoint.entity_id, "exit", document, "jwt", world.holder.public)
        for document in documents
    ]

    def ask() -> int:
        try:
            issuance.issue_group(access=granted_access(world, grant), requests=requests, now=world.now)
        except issuance.UnableToIssue as error:
            assert error.code == "consent_exhausted"
            return 1
        return 0

    return ask


@pytest.mark.parametrize(("workers", "limit"), [(4, 2), (32, 30)])
def test_max_tokens_is_never_passed_by_many_at_once(world: World, workers: int, limit: int) -> None:
    """Each counts before any has stored."""
    grant = world.grant(world.detail(max_tokens=limit))
    ask = asking(world, grant, str(world.document.pk))
    assert race(*[ask] * workers) == [0] * limit + [1] * (workers - limit)
    assert IssuedToken.objects.count() == ConsentUse.objects.get().used == limit


def test_groups_in_another_order_neither_wait_for_each_other_nor_come_apart(world: World) -> None:
    """Two phones of one grant ask for the same three, each in its own order: a deadlock, or a group of two."""
    cards = [str(world.document.pk), *(str(child(world, f"A765432{place}").pk) for place in range(2))]
    grant = granted(world, *(TravelDocument.objects.get(pk=pk) for pk in cards[1:]), max_tokens=3)
    orders = [cards, cards[::-1], cards[1:] + cards[:1], [cards[1], cards[0], cards[2]]] * 2
    assert race(*[asking(world, grant, *order) for order in orders]) == [0] * 3 + [1] * 5
    assert IssuedToken.objects.count() == 9 and {row.used for row in ConsentUse.objects.all()} == {3}


def test_an_entry_is_consumed_once_when_the_receipt_comes_four_times_at_once(world: World, peers: Peers) -> None:
    """Two workers that each see no receipt yet take two entries."""
    token = own_token(world, peers, entries_left=3)
    text = receipt(peers, token)

    def accept() -> int:
        confirmation.accept(text.encode(), now=world.now)
        return 0

    assert race(*[accept] * WORKERS) == [0] * WORKERS
    assert CrossingReceipt.objects.count() == 1
    assert Endorsement.objects.get().entries_left == 2
