"""Officers who came in."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from idp import conf
from idp.accounts.models import Account, Passkey


@pytest.fixture(autouse=True)
def for_trying(settings: Any) -> Iterator[None]:
    """A node on loopback is for DEBUG only, which pytest takes away."""
    settings.DEBUG = True
    conf.authority.cache_clear()
    yield
    conf.authority.cache_clear()


@pytest.fixture
def officer_with_passkey() -> Callable[[str], Passkey]:
    """Give an officer a passkey, as the page of the link does."""

    def give(name: str) -> Passkey:
        return Passkey.objects.create(
            account=Account.objects.get(username=name), credential_id=name.encode(), public_key=b"k", name="key"
        )

    return give
