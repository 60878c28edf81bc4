"""Naming a test after the module that it stands for, and the client that judges in it."""

import pytest

SUITE = "conformance-suite modules"
PLAN = "openid-federation-"
REGISTRATION = f"{PLAN}automatic-client-registration-"


def module(name: str, client: str = SUITE) -> pytest.MarkDecorator:
    """The mark of a test: ``name`` and ``client`` are what the report says."""
    return pytest.mark.conformance(client=client, module=name)
