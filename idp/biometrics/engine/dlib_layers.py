"""The layers of dlib's face network as plain frozen values: what the parser produces and the ONNX builder takes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Conv:
    """Convolution: ``weights`` float32 (out, in, rows, columns), ``bias`` float32 (out,); stride and padding (y, x)."""

    weights: Floats
    bias: Floats
    stride: tuple[int, int]
    padding: tuple[int, int]


@dataclass(frozen=True)
class Affine:
    """Per channel ``gamma * x + beta``, both float32 (channels,): a batch normalisation already folded."""

    gamma: Floats
    beta: Floats


@dataclass(frozen=True)
class Pool:
    """Pooling, ``kind`` "max" or "avg"; a window of (0, 0) means the whole plane."""

    kind: str
    window: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]


@dataclass(frozen=True)
class Dense:
    """``y = x @ weights`` with float32 (inputs, outputs) and no bias."""

    weights: Floats


@dataclass(frozen=True)
class Relu:
    """``max(x, 0)``."""


@dataclass(frozen=True)
class Tag:
    """The block's input starts here; remember it."""


@dataclass(frozen=True)
class Fork:
    """Put the present value aside and go back to the block's input (dlib's tag2 and skip1 together)."""


@dataclass(frozen=True)
class AddPrevious:
    """Add what was put aside (or the block's input), the smaller operand padded with zeros at its end."""


Layer = Conv | Affine | Pool | Dense | Relu | Tag | Fork | AddPrevious


@dataclass(frozen=True)
class Network:
    """The layers in the order of the data; ``averages`` of R, G, B in 0..255; ``size`` of the input (rows, columns)."""

    averages: tuple[float, float, float]
    size: tuple[int, int]
    layers: tuple[Layer, ...]
