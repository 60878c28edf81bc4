"""What runs a pack's networks: the names of a setting, and those of ONNX Runtime."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from idp.biometrics.engine.contract import UnableToLoadModel

NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "coreml": "CoreMLExecutionProvider"}
)
CPU: Final = NAMES["cpu"]


def names(wanted: Sequence[str]) -> list[str]:
    """ONNX Runtime's names of ``wanted`` ("cpu", "cuda", "coreml"), preferred first; the processor stands last.

    Raises `UnableToLoadModel` for no or an unknown name, and for one that this ONNX Runtime was not built with: it
    would warn and run everything on the processor, a hundred times slower than was meant.
    """
    unknown = [name for name in wanted if name not in NAMES]
    if unknown or not wanted:
        raise UnableToLoadModel(f"there is no provider {unknown or wanted}; there are {', '.join(NAMES)}")
    there = _runtime().get_available_providers()
    lacking = [name for name in wanted if NAMES[name] not in there]
    if lacking:
        raise UnableToLoadModel(f"the ONNX Runtime that is installed here has no {', '.join(lacking)}")
    return [*(NAMES[name] for name in wanted if name != "cpu"), CPU]


def require(session: Any, wanted: Sequence[str]) -> None:
    """Raise `UnableToLoadModel` where ``session`` fell back to the processor though ``wanted`` (`names`) says other."""
    if session.get_providers()[0] != wanted[0]:
        raise UnableToLoadModel(f"{wanted[0]} is there and does not start: see ONNX Runtime's log")


def options() -> Any:
    """A session that stays on one core: jobs run side by side, and one must not take the others' processors."""
    chosen = _runtime().SessionOptions()
    chosen.intra_op_num_threads = 1
    chosen.inter_op_num_threads = 1
    return chosen


def _runtime() -> Any:
    import onnxruntime  # 40 MB and a tenth of a second: not for a web server that only asks which names there are

    return onnxruntime
