"""Officers with their second factor done, by the role that they hold."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from idp.accounts import granting
from idp.accounts.models import Account
from idp.accounts.roles import Role
from tests.border.world import browser

Officers = Callable[[str, Role], Client]


@pytest.fixture
def officers(node: str, settings: Any, tmp_path: Path) -> Officers:
    """The browser of an officer of this name and role."""
    settings.STATIC_ROOT = tmp_path

    def officer(name: str, role: Role) -> Client:
        account = Account.objects.create_user(name, kind="officer", is_staff=True)
        granting.grant(account=account, role=role, actor="console", now=5)
        return browser(account)

    return officer


@pytest.fixture
def officer(officers: Officers) -> Client:
    """The trust officer who proposes."""
    return officers("first", Role.TRUST)


@pytest.fixture
def second(officers: Officers) -> Client:
    """The trust officer who approves."""
    return officers("second", Role.TRUST)
