"""What several workers do at the same moment: no limit is passed, nothing is used twice."""

from collections.abc import Callable

import pytest

from idp.accounts.models import Endorsement
from idp.border import confirmation, issuance
from idp.border.models import CrossingReceipt, IssuedToken
from idp.oidc import access
from tests.border.test_confirmation import own_token, receipt
from tests.border.world import World
from tests.federation.peers import Peers
from tests.oidc.test_races import race

WORKERS = 4
pytestmark = [pytest.mark.usefixtures("shared_database"), pytest.mark.django_db(transaction=True)]


def test_max_tokens_is_never_passed_by_four_at_once(world: World) -> None:
    """Each counts before any has stored."""
    grant = world.grant(world.detail(max_tokens=2))

    def job() -> Callable[[], int]:
        granted = access.Access(
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
        request = issuance.TokenRequest(
            world.checkpoint.entity_id, "exit", str(world.document.pk), "jwt", world.holder.public
        )

        def ask() -> int:
            try:
                issuance.issue(access=granted, request=request, now=world.now)
            except issuance.UnableToIssue as error:
                assert error.code == "consent_exhausted"
                return 1
            return 0

        return ask

    assert race(*[job() for _ in range(WORKERS)]) == [0, 0, 1, 1]
    assert IssuedToken.objects.count() == 2


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
