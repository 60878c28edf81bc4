"""A node with which nothing is wrong, and which each test breaks in one place."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from idp.accounts import officers
from idp.accounts.models import Account, Passkey
from idp.audit import sealing
from idp.biometrics.engine.embedded_pack import CONVERTER, MODEL
from idp.federation import fetching, signing, statements
from idp.office import pulse
from idp.office.findings import collecting, configuration

Ids = Callable[..., list[str]]


@pytest.fixture
def node(db: None, now: int, settings: Any, tmp_path: Path) -> Iterator[Path]:
    """Its folder: keys, model, broker, two officers who came in, a worker, a sealed record."""
    settings.DEBUG = True
    settings.IDP_DATA_DIR, settings.IDP_KEY_DIR = tmp_path, tmp_path / "keys"
    settings.IDP_MODEL_DIR = tmp_path / "models"
    for folder in ("models", "broker/messages", "keys"):
        (tmp_path / folder).mkdir(parents=True, mode=0o700)
    (tmp_path / "models" / f"{MODEL}.{CONVERTER}.00.onnx").touch()
    signing.ensure_keys()
    for name in ("chan", "lei"):
        account = officers.create_without_password(username=name, actor="console")
        Passkey.objects.create(account=account, credential_id=name.encode(), public_key=b"key")
    statements.renew(now)
    pulse.beat(now=now)
    sealing.seal(now)
    yield tmp_path
    fetching.client().close()


@pytest.fixture
def found(node: Path, now: int, monkeypatch: pytest.MonkeyPatch) -> Ids:
    """The ids of all findings; settings have tests of their own, for they take a second."""
    monkeypatch.setattr(configuration, "settings", lambda *, databases: iter(()))

    def ids(**options: Any) -> list[str]:
        return [finding.id for finding in collecting.collect(now=now, **{"network": False, **options})]

    assert ids() == [], "the node was to be sound"
    return ids


@pytest.fixture
def second() -> Account:
    return Account.objects.get(username="lei")
