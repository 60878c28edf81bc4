"""A node for the examples."""

import pytest

from tests.border.conftest import world  # noqa: F401  a fixture
from tests.border.world import World
from tests.docs.world import Node


@pytest.fixture
def node(world: World) -> Node:  # noqa: F811  it is the fixture
    return Node(world)
