"""What every test of this room needs."""

from typing import Any

import pytest

from idp import conf


@pytest.fixture(autouse=True)
def _static_files(settings: Any) -> None:
    settings.STATIC_ROOT = conf.authority().data_dir  # the middleware that serves files warns of a missing folder
