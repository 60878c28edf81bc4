"""The configuration is checked at the start, by id."""

from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks

from idp.accounts import checks

GOOD: dict[str, Any] = {
    "IDP_ENTITY_ID": "https://idp.hk.example",
    "IDP_INSECURE_LOOPBACK_HTTP": False,
    "DEBUG": False,
    "IDP_NAME": {"en": "Border authority"},
    "IDP_JURISDICTION": "HKG",
}


def ids(settings: Any, **changes: Any) -> list[str]:
    for name, value in {**GOOD, **changes}.items():
        setattr(settings, name, value)
    from idp import conf

    conf.authority.cache_clear()
    return [str(message.id) for message in checks.check_configuration()]


def test_a_sound_configuration_has_nothing_to_say(settings: Any) -> None:
    assert ids(settings) == []
    assert ids(settings, IDP_ENTITY_ID="https://idp.hk.example:8443") == []


def test_loopback_http_is_for_debugging(settings: Any) -> None:
    loopback = {"IDP_INSECURE_LOOPBACK_HTTP": True, "IDP_ENTITY_ID": "http://hk.localhost:8002"}
    assert ids(settings, **loopback, DEBUG=True) == []
    assert ids(settings, **loopback) == ["idp.E101"]


@pytest.mark.parametrize(
    ("entity_id", "expected"),
    [
        ("http://idp.hk.example", "idp.E102"),
        ("http://hk.localhost:8002", "idp.E102"),
        ("ftp://idp.hk.example", "idp.E102"),
        ("https://", "idp.E102"),
        ("https://idp:port", "idp.E102"),
        ("https://idp.hk.example/", "idp.E103"),
        ("https://idp.hk.example/path", "idp.E103"),
        ("https://idp.hk.example?x", "idp.E103"),
        ("https://idp.hk.example#x", "idp.E103"),
        ("https://me@idp.hk.example", "idp.E103"),
        ("https://IDP.hk.example", "idp.E103"),
    ],
)
def test_an_entity_id_that_cannot_be_one(settings: Any, entity_id: str, expected: str) -> None:
    """Invalid solely because of the identifier."""
    assert expected in ids(settings, IDP_ENTITY_ID=entity_id)


@pytest.mark.parametrize("name", [{}, [], "Authority", {"en": ""}, {"en": 7}])
def test_a_name_that_no_page_could_show(settings: Any, name: object) -> None:
    assert ids(settings, IDP_NAME=name) == ["idp.E105"]


def test_a_jurisdiction_that_is_none_of_ours(settings: Any) -> None:
    assert ids(settings, IDP_JURISDICTION="UTO") == ["idp.E104"]


def test_keys_that_others_can_read(settings: Any, tmp_path: Path) -> None:
    settings.IDP_KEY_DIR = tmp_path
    tmp_path.chmod(0o700)
    assert checks.check_key_directory() == []
    tmp_path.chmod(0o750)
    assert [message.id for message in checks.check_key_directory()] == ["idp.W101"]


def test_they_run_with_manage_py_check(settings: Any) -> None:
    settings.IDP_JURISDICTION = "UTO"
    assert "idp.E104" in [message.id for message in run_checks()]
