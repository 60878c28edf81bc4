"""The face engines of this node: those that the settings name, each loaded once in a process, on first use.

The first is the preferred one: it enrols. With two, references of both models serve until everybody is enrolled anew.
"""

import logging
import threading
from functools import lru_cache
from pathlib import Path

from idp.biometrics.engine import EMBEDDED, EMBEDDED_MODEL, FaceEngine, UnableToLoadModel, load_engine
from idp.biometrics.engine.pack import Pack, check
from idp.conf import authority

log = logging.getLogger(__name__)

_loading = threading.Lock()  # two requests of one process must not load a network of 200 MB twice


def preferred() -> FaceEngine:
    """The engine that enrols. Raises RuntimeError where it does not load."""
    return engine(authority().face_engines[0])


def by_model(model: str) -> FaceEngine | None:
    """The engine whose templates are of ``model``; None where no engine here is. Raises RuntimeError as `engine`."""
    return next((engine(name) for name in authority().face_engines if _model_or_none(name) == model), None)


def models() -> list[str]:
    """The models that this node can compare, preferred first; no network is loaded, files are hashed once.

    A pack that is damaged is left out and logged: the node's other business goes on.
    """
    found = [_model_or_none(name) for name in authority().face_engines]
    return list(dict.fromkeys(model for model in found if model))


def model_of(name: str) -> str:
    """The model of a configured engine. Raises `UnableToLoadModel` where it is a pack whose files do not hold."""
    return EMBEDDED_MODEL if name == EMBEDDED else pack(name).model


@lru_cache(maxsize=8)
def pack(directory: str) -> Pack:
    """A configured pack, checked once in a process. Raises `UnableToLoadModel`."""
    return check(Path(directory))


def engine(name: str) -> FaceEngine:
    """A configured engine by its name in the settings. Raises RuntimeError where it does not load."""
    node = authority()
    with _loading:
        return _loaded(name, node.model_dir, tuple(node.face_providers))


@lru_cache(maxsize=8)
def _loaded(name: str, model_dir: Path, providers: tuple[str, ...]) -> FaceEngine:
    return load_engine(name, model_dir=model_dir, providers=providers)


def _model_or_none(name: str) -> str | None:
    try:
        return model_of(name)
    except UnableToLoadModel as error:
        log.error("the face engine %s is not used: %s", name, error)  # noqa: TRY400  the reason is all there is to say
        return None
