"""The embedded recognition model: converted once from dlib's CC0 weights, kept in a cache, loaded through insightface.

The file's name carries the SHA-256 of its content, so that file and checksum appear together, in one atomic rename, and
several processes that convert at the same time end with the same file. The checksum finds a damaged file; it does not
guard against somebody who may write into the cache directory.
"""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from idp.biometrics.engine import providers
from idp.biometrics.engine.contract import UnableToLoadModel
from idp.biometrics.engine.dlib_weights import read_network
from idp.biometrics.engine.onnx_graph import build
from idp.biometrics.engine.templates import EMBEDDED_MODEL

MODEL = EMBEDDED_MODEL
CONVERTER = "c1"  # raise it whenever the graph that `build` makes changes
CHIP_SIDE = 150
DIMENSIONS = 128
ENVIRONMENT = "CAUSEWAY_MODEL_DIR"
DEFAULT_DIRECTORY = Path("var/models")

Embedding = NDArray[np.float32]
Chip = NDArray[np.uint8]


class _Recognition(Protocol):
    """What is used of insightface's ``ArcFaceONNX``."""

    input_mean: float
    input_std: float
    input_size: tuple[int, int]

    def get_feat(self, imgs: Chip) -> Embedding: ...


def default_model_dir() -> Path:
    """``$CAUSEWAY_MODEL_DIR``, or ``var/models`` below the working directory."""
    return Path(os.environ.get(ENVIRONMENT) or DEFAULT_DIRECTORY)


def ensure_pack(model_dir: Path) -> Path:
    """The path of the converted model in ``model_dir``, converting on first use (about 0.3 s, 22 MB).

    Raises `UnableToReadWeights` for a wrong source and `UnableToLoadModel` when the directory cannot be written.
    """
    for path in sorted(model_dir.glob(f"{MODEL}.{CONVERTER}.*.onnx")):
        if _intact(path):
            return path
    content = build(read_network())
    path = model_dir / f"{MODEL}.{CONVERTER}.{hashlib.sha256(content).hexdigest()}.onnx"
    try:
        _write_atomically(path, content)
    except OSError as error:
        raise UnableToLoadModel(f"the model directory cannot be written: {error.strerror}") from error
    return path


def _intact(path: Path) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == path.name.split(".")[-2]
    except OSError:
        return False


def _write_atomically(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".converting-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


class Recogniser:
    """Turns face chips into embeddings, on one core. One for each process; calls are safe from several threads."""

    def __init__(self, path: Path) -> None:
        self._model = _load(path)

    def embed(self, chip: Chip) -> Embedding:
        """The raw embedding, float32 (128,), *not* normalised, of an RGB uint8 chip (150, 150, 3).

        Compare raw embeddings by Euclidean distance. Raises ValueError for another shape: insightface would resize it
        without a word, and the numbers would be wrong.
        """
        if chip.shape != (CHIP_SIDE, CHIP_SIDE, 3) or chip.dtype != np.uint8:
            raise ValueError(f"a chip is {CHIP_SIDE}x{CHIP_SIDE}x3 uint8, not {chip.shape} {chip.dtype}")
        blue_first = np.ascontiguousarray(chip[:, :, ::-1])  # get_feat takes BGR
        return self._model.get_feat(blue_first).reshape(DIMENSIONS)


def _load(path: Path) -> _Recognition:
    from insightface import model_zoo  # half a second: only when needed

    zoo: Any = model_zoo
    loaded = zoo.get_model(
        str(path),
        model_task="recognition",
        model_metadata={"preprocessing": "embedded"},
        providers=[providers.CPU],
        sess_options=providers.options(),
    )
    model = cast(_Recognition, loaded)
    if loaded is None or (model.input_mean, model.input_std) != (0.0, 1.0):
        raise UnableToLoadModel("insightface did not take the model with its own preprocessing")
    if tuple(model.input_size) != (CHIP_SIDE, CHIP_SIDE):
        raise UnableToLoadModel("insightface took the model with another input size")
    return model
