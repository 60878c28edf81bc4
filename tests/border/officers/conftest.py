"""An officer's desk."""

import pytest

from tests.border.officers.desk import Desk
from tests.border.world import World


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)
