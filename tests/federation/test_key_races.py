"""Keys that workers and officers change in the same moment: one signs, one is next, and nobody waits for ever."""

from collections.abc import Callable

import pytest

from idp.federation import signing, takeovers
from idp.federation.models import SigningKey
from idp.federation.signing import AHEAD, UnableToRoll
from tests.conftest import NOW
from tests.oidc.conftest import shared_database
from tests.oidc.test_races import race

__all__ = ["shared_database"]
pytestmark = [pytest.mark.usefixtures("shared_database"), pytest.mark.django_db(transaction=True)]
AT = NOW + AHEAD["border"]


@pytest.fixture
def keys(shared_database: None, now: int) -> None:
    signing.ensure_key(use="border")


def of(state: str) -> str:
    return str(SigningKey.objects.get(use="border", state=state).kid)


def killing(kid: str) -> Callable[[], int]:
    def kill() -> int:
        try:
            signing.kill(kid=kid, now=AT)
        except UnableToRoll:
            return 1
        return 0

    return kill


def beat() -> int:
    return takeovers.carry_out(AT)


def test_a_plan_is_carried_out_by_each_worker(keys: None) -> None:
    kid = of("next")
    takeovers.plan(kid=kid, at=AT, now=NOW, actor="account:7")
    assert sorted(race(*[beat] * 8)) == [0] * 7 + [1]
    assert of("active") == kid and SigningKey.objects.count() == 3


def test_a_key_is_killed_while_another_takes_over_from_it(keys: None) -> None:
    """A kill that loses a lock is a stolen key that signs on."""
    for _ in range(3):
        active, ahead = of("active"), of("next")
        SigningKey.objects.filter(kid=ahead).update(made_at=NOW, takes_over_at=AT)
        race(killing(active), beat, killing(active), beat)
        states = list(SigningKey.objects.values_list("state", flat=True))
        assert states.count("active") == states.count("next") == 1
        assert SigningKey.objects.get(kid=active).state == "killed"
