"""The engines of a node: which enrols, which compares, and what a damaged one takes down with it."""

import threading
from pathlib import Path
from typing import Any

import pytest

from idp.biometrics import engines
from idp.biometrics.engine import EMBEDDED_MODEL, UnableToLoadModel
from idp.border import metadata
from tests.biometrics.engine import packs


@pytest.fixture(autouse=True)
def forgotten() -> Any:
    yield
    engines.pack.cache_clear()
    engines._loaded.cache_clear()


@pytest.fixture
def tiny(settings: Any, tmp_path: Path) -> Path:
    """A pack that is preferred to the embedded engine."""
    made = packs.write(tmp_path / "tiny")
    settings.IDP_FACE_ENGINES = [str(made), "embedded"]
    settings.IDP_MODEL_DIR = tmp_path / "models"
    return made


def test_a_model_left_unnamed_while_it_is_replaced(tiny: Path) -> None:
    assert engines.models() == [engines.model_of(str(tiny)), EMBEDDED_MODEL]
    assert engines.preferred().model == engines.models()[0]
    assert engines.by_model(engines.models()[0]) is engines.preferred()
    assert engines.by_model("unknown") is None


def test_a_network_loaded_to_name_its_model(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "load_engine", lambda *_, **__: pytest.fail("loaded"))
    assert len(engines.models()) == 2


def test_a_network_loaded_twice(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, load = list[object](), engines.load_engine

    def counted(name: Any, **options: Any) -> Any:
        loaded.append(name)
        return load(name, **options)

    monkeypatch.setattr(engines, "load_engine", counted)
    threads = [threading.Thread(target=engines.preferred) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loaded == [str(tiny)]


def test_a_damaged_pack_that_takes_the_node_down(tiny: Path, db: None, caplog: pytest.LogCaptureFixture) -> None:
    from idp.federation import signing

    signing.ensure_keys()
    (tiny / "detection.onnx").write_bytes(b"")
    assert metadata.border_token_issuer()["face_models_supported"] == [EMBEDDED_MODEL]
    assert "SHA-256 differs" in caplog.text
    with pytest.raises(UnableToLoadModel):
        engines.preferred()


def test_a_list_that_is_written_with_spaces(settings: Any) -> None:
    settings.IDP_FACE_ENGINES, settings.IDP_FACE_PROVIDERS = ["embedded", " /srv/pack"], [" cpu"]
    assert engines.authority().face_engines == ("embedded", "/srv/pack")
    assert engines.authority().face_providers == ("cpu",)


def test_a_pack_that_is_nowhere(settings: Any, tmp_path: Path) -> None:
    settings.IDP_FACE_ENGINES = [str(tmp_path / "nowhere")]
    assert engines.models() == []
    with pytest.raises(UnableToLoadModel, match="no face engine is called"):
        engines.preferred()
