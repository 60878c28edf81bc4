"""The rooms' worlds in one node."""

from typing import Any

import pytest

from tests.oidc.conftest import world  # noqa: F401  a fixture
from tests.oidc.world import World
from tests.openapi import driving


@pytest.fixture
def node(world: World, settings: Any) -> World:  # noqa: F811  it is the fixture
    """Everybody may register."""
    settings.IDP_DYNAMIC_REGISTRATION = "open"
    driving.serve()
    return world
