"""The last who appoints, ended by two at the same moment."""

import time
from typing import Any

import pytest

from idp.accounts import granting
from idp.accounts.models import Account
from idp.accounts.roles import APPOINT, Role
from tests.accounts.test_roles import officer
from tests.oidc.conftest import shared_database
from tests.oidc.test_races import race

__all__ = ["shared_database"]
pytestmark = [pytest.mark.usefixtures("shared_database"), pytest.mark.django_db(transaction=True)]


def test_of_two_who_appoint_each_sees_the_other_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = granting.check_somebody_is_left

    def slowly(**facts: Any) -> None:
        looked(**facts)
        time.sleep(0.1)  # the other looks meanwhile, where nothing makes it wait

    def ending(account: Account) -> int:
        try:
            granting.end(account=account, role=Role.TRUST, actor="console", now=6)
        except granting.UnableToChangeRole:
            return 1
        return 0

    monkeypatch.setattr(granting, "check_somebody_is_left", slowly)
    one, two = (officer(name, Role.TRUST) for name in ("one", "two"))
    assert race(lambda: ending(one), lambda: ending(two)) == [0, 1]
    assert granting.holders(APPOINT).count() == 1
