"""What the tests of the Django side share."""

from typing import Any

import pytest

from idp import conf
from idp.accounts.models import TravelDocument, Traveller
from tests.biometrics import world
from tests.oidc.conftest import shared_database  # noqa: F401  a fixture


@pytest.fixture
def holder(db: None, now: int, settings: Any) -> Traveller:
    settings.STATIC_ROOT = conf.authority().data_dir  # the middleware that serves files warns of a missing folder
    return world.traveller("mei")


@pytest.fixture
def named(holder: Traveller) -> TravelDocument:
    """A document of the register with the portrait of person 0, linked by nobody."""
    return world.document()
