"""What `check` says of the keys that seal faces."""

from typing import Any

import pytest
from django.core.checks import run_checks

from idp.accounts.models import Traveller
from idp.biometrics import rewrapping, vault
from idp.biometrics.models import Portrait
from tests.biometrics.softhsm import Token, needs_softhsm
from tests.biometrics.world import document


def ids(**options: Any) -> set[str]:
    return {str(message.id) for message in run_checks(**options)}


def test_a_sound_node_is_told_nothing(db: None) -> None:
    said = ids(include_deployment_checks=True, databases=["default"])
    assert not said & {"idp.E112", "idp.E113", "idp.W112", "idp.W113"}


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("IDP_FACE_KEY", "biometrics.key", "idp.E112"),
        ("IDP_FACE_KEY", "pkcs11:token=faces?pin-value=2468", "idp.E112"),
        ("IDP_FACE_KEYS_RETIRED", ["file:a/b"], "idp.E112"),
        ("IDP_FACE_STORAGE", "phone", "idp.E113"),
    ],
)
def test_a_setting_that_cannot_be_is_told(db: None, settings: Any, setting: str, value: Any, said: str) -> None:
    """invalid solely because of the one setting; a PIN in it is not repeated."""
    setattr(settings, setting, value)
    messages = [message for message in run_checks() if message.id == said]
    assert messages and "2468" not in str(messages)


@needs_softhsm
def test_a_token_that_does_not_answer_is_told(db: None, token: Token, settings: Any) -> None:
    """Before the first traveller finds out."""
    settings.IDP_FACE_KEY = token.uri("none")
    assert "idp.W112" in ids(include_deployment_checks=True)


def test_rows_of_a_retired_key_are_told_until_they_are_wrapped_anew(holder: Traveller, settings: Any) -> None:
    """Who destroys the retired key while there are any has destroyed faces."""
    named = document(person=None)
    sealed = vault.seal(b"portrait", kind="portrait", owner=named.pk)
    Portrait.objects.create(document=named, sealed=sealed, imported_at=1)
    settings.IDP_FACE_KEY, settings.IDP_FACE_KEYS_RETIRED = "file:second.key", ["file:biometrics.key"]
    assert "idp.W113" in ids(databases=["default"])
    list(rewrapping.run(actor="account:7"))
    assert "idp.W113" not in ids(databases=["default"])
