"""Builds one ONNX graph from dlib's face network: input raw RGB 0..255, everything constant folded into the weights.

Folding, in float64 and rounded once: an affine layer into the convolution before it, and the input's normalisation
``(x - average) / 256`` into the first convolution, which is exact only because that one has no padding.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from idp.biometrics.engine.dlib_layers import AddPrevious, Affine, Conv, Dense, Fork, Layer, Network, Pool, Relu, Tag

OPSET, IR_VERSION = 13, 8  # old enough for every ONNX Runtime in use
INPUT, OUTPUT = "rgb", "embedding"
PRODUCER = "causeway"
INPUT_SCALE = 256.0  # dlib divides by 256, not 255 (dnn/input.h)


class UnableToBuildGraph(RuntimeError):
    """The layers do not make a network that this builder knows."""


@dataclass(frozen=True)
class Value:
    """A named tensor in the graph: (channels, rows, columns), or flattened when rows and columns are 0."""

    name: str
    channels: int
    rows: int
    columns: int


@dataclass
class Builder:
    """Nodes and constants so far, the present value, and the two that a block remembers."""

    current: Value
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    block_input: Value | None = None
    aside: Value | None = None

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        """Keep an array under ``name``."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind: str, inputs: list[str], shape: tuple[int, int, int], **attributes: Any) -> Value:
        """Append one node; its name and its output's are its place in the graph."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return Value(name, *shape)


def build(network: Network) -> bytes:
    """Serialised ONNX of ``network``: input "rgb" float32 (n, 3, rows, columns) raw 0..255, output "embedding" (n, k).

    The same network gives the same bytes. Raises `UnableToBuildGraph`.
    """
    rows, columns = network.size
    builder = Builder(current=Value(INPUT, 3, rows, columns))
    for layer in folded(network):
        _add(builder, layer)
    if builder.current.rows or builder.current.columns:
        raise UnableToBuildGraph("the network does not end in a dense layer")
    builder.nodes[-1].output[0] = OUTPUT
    graph = helper.make_graph(
        builder.nodes,
        "dlib-resnet-v1",
        [helper.make_tensor_value_info(INPUT, onnx.TensorProto.FLOAT, ["n", 3, rows, columns])],
        [helper.make_tensor_value_info(OUTPUT, onnx.TensorProto.FLOAT, ["n", builder.current.channels])],
        initializer=builder.constants,
    )
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, producer_name=PRODUCER, opset_imports=opset, ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def folded(network: Network) -> list[Layer]:
    """The layers without affine ones and without the input's normalisation. Raises `UnableToBuildGraph`."""
    layers: list[Layer] = []
    for layer in network.layers:
        if not isinstance(layer, Affine):
            layers.append(layer)
            continue
        before = layers[-1] if layers else None
        if not isinstance(before, Conv) or before.bias.size != layer.gamma.size:
            raise UnableToBuildGraph("an affine layer does not follow a convolution of its size")
        layers[-1] = _fold_affine(before, layer)
    first = layers[0] if layers else None
    if not isinstance(first, Conv) or first.padding != (0, 0) or first.weights.shape[1] != 3:
        raise UnableToBuildGraph("the first layer is no unpadded convolution of three channels")
    layers[0] = _fold_input(first, network.averages)
    return layers


def _fold_affine(conv: Conv, affine: Affine) -> Conv:
    gamma = affine.gamma.astype(np.float64)
    weights = conv.weights.astype(np.float64) * gamma[:, None, None, None]
    bias = conv.bias.astype(np.float64) * gamma + affine.beta
    return Conv(weights.astype(np.float32), bias.astype(np.float32), conv.stride, conv.padding)


def _fold_input(conv: Conv, averages: tuple[float, float, float]) -> Conv:
    weights = conv.weights.astype(np.float64) / INPUT_SCALE
    shift = (weights * np.array(averages)[None, :, None, None]).sum(axis=(1, 2, 3))
    bias = conv.bias.astype(np.float64) - shift
    return Conv(weights.astype(np.float32), bias.astype(np.float32), conv.stride, conv.padding)


def _add(builder: Builder, layer: Layer) -> None:
    match layer:
        case Conv():
            _convolution(builder, layer)
        case Pool():
            _pooling(builder, layer)
        case Dense():
            _dense(builder, layer)
        case AddPrevious():
            _add_previous(builder)
        case Relu():
            now = builder.current
            builder.current = builder.node("Relu", [now.name], (now.channels, now.rows, now.columns))
        case Tag() | Fork():
            _remember(builder, layer)


def _remember(builder: Builder, layer: Layer) -> None:
    if isinstance(layer, Tag):
        builder.block_input, builder.aside = builder.current, None
    elif builder.block_input is None:
        raise UnableToBuildGraph("a fork outside a block")
    else:
        builder.aside, builder.current = builder.current, builder.block_input


def _output_size(size: int, window: int, stride: int, padding: int) -> int:
    result = 1 + math.floor((size + 2 * padding - window) / stride)
    if result < 1:
        raise UnableToBuildGraph("a window larger than its plane")
    return result


def _plane(now: Value, window: tuple[int, int], layer: Conv | Pool) -> tuple[int, int]:
    rows = _output_size(now.rows, window[0], layer.stride[0], layer.padding[0])
    return rows, _output_size(now.columns, window[1], layer.stride[1], layer.padding[1])


def _convolution(builder: Builder, layer: Conv) -> None:
    now = builder.current
    filters, channels, *window = layer.weights.shape
    if channels != now.channels:
        raise UnableToBuildGraph(f"a convolution of {channels} channels gets {now.channels}")
    rows, columns = _plane(now, (window[0], window[1]), layer)
    place = len(builder.nodes)
    inputs = [now.name, builder.constant(f"w{place}", layer.weights), builder.constant(f"b{place}", layer.bias)]
    builder.current = builder.node(
        "Conv", inputs, (filters, rows, columns),
        kernel_shape=window, strides=list(layer.stride), pads=list(layer.padding * 2),
    )  # fmt: skip


def _pooling(builder: Builder, layer: Pool) -> None:
    now = builder.current
    if layer.window == (0, 0):
        if layer.kind != "avg":
            raise UnableToBuildGraph("a global pooling that is no average")
        builder.current = builder.node("GlobalAveragePool", [now.name], (now.channels, 1, 1))
        return
    kind = {"max": "MaxPool", "avg": "AveragePool"}[layer.kind]
    rows, columns = _plane(now, layer.window, layer)
    builder.current = builder.node(
        kind, [now.name], (now.channels, rows, columns),
        kernel_shape=list(layer.window), strides=list(layer.stride), pads=list(layer.padding * 2), ceil_mode=0,
    )  # fmt: skip


def _dense(builder: Builder, layer: Dense) -> None:
    now = builder.current
    inputs, outputs = layer.weights.shape
    if now.channels * now.rows * now.columns != inputs:
        raise UnableToBuildGraph("a dense layer of another size")
    flat = builder.node("Flatten", [now.name], (inputs, 0, 0), axis=1)
    weights = builder.constant(f"w{len(builder.nodes)}", layer.weights)
    builder.current = builder.node("MatMul", [flat.name, weights], (outputs, 0, 0))


def _add_previous(builder: Builder) -> None:
    """dlib's add_prev takes the larger of the two in each dimension and pads the smaller with zeros at its end."""
    now, other = builder.current, builder.aside or builder.block_input
    if other is None:
        raise UnableToBuildGraph("an addition outside a block")
    shape = (
        max(now.channels, other.channels),
        max(now.rows, other.rows),
        max(now.columns, other.columns),
    )
    inputs = [_padded(builder, value, shape).name for value in (now, other)]
    builder.current = builder.node("Add", inputs, shape)
    builder.block_input = builder.aside = None


def _padded(builder: Builder, value: Value, shape: tuple[int, int, int]) -> Value:
    missing = [shape[0] - value.channels, shape[1] - value.rows, shape[2] - value.columns]
    if not any(missing):
        return value
    pads = builder.constant(f"p{len(builder.nodes)}", np.array([0, 0, 0, 0, 0, *missing], dtype=np.int64))
    return builder.node("Pad", [value.name, pads], shape, mode="constant")
