"""Officers who came in."""

from collections.abc import Callable

import pytest

from idp.accounts.models import Account, Passkey


@pytest.fixture
def officer_with_passkey() -> Callable[[str], Passkey]:
    """Give an officer a passkey, as the page of the link does."""

    def give(name: str) -> Passkey:
        return Passkey.objects.create(
            account=Account.objects.get(username=name), credential_id=name.encode(), public_key=b"k", name="key"
        )

    return give
