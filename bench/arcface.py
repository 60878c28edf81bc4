"""A network of ArcFace's shape and cost with weights that have learnt nothing, to take times of a licensed pack by."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests.biometrics.engine import packs

STAGES = ((64, 2), (128, 2), (256, 2), (512, 2))  # channels and blocks: a residual network of 18 layers
SIDE, DIMENSIONS = 112, 512


def write(directory: Path) -> Path:
    """A pack in ``directory``: the detector of the tests, and this network."""
    content = recogniser()
    tasks = {
        "detection": {"file": "detection.onnx", "sha256": packs.digest(packs.detector())},
        "recognition": {"file": "recognition.onnx", "sha256": packs.digest(content)},
    }
    packs.write(directory, tasks=tasks, model_id="arcface-shaped")
    (directory / "recognition.onnx").write_bytes(content)
    return directory


def recogniser() -> bytes:
    """112x112 to 512: 24 million weights, 2.6 billion multiplications."""
    graph = _Graph()
    last = graph.convolution("face", 3, STAGES[0][0], stride=1)
    channels = STAGES[0][0]
    for width, blocks in STAGES:
        for block in range(blocks):
            stride = 2 if block == 0 else 1
            inner = graph.convolution(last, channels, width, stride=1)
            outer = graph.convolution(inner, width, width, stride=stride, relu=False)
            beside = graph.convolution(last, channels, width, stride=stride, relu=False) if stride > 1 else last
            last = graph.node("Relu", [graph.node("Add", [outer, beside])])
            channels = width
    flat = graph.node("Flatten", [last])
    side = SIDE // 2 ** len(STAGES)
    graph.node("MatMul", [flat, graph.weight((channels * side * side, DIMENSIONS))], output="embedding")
    return graph.serialized()


class _Graph:
    """Nodes in the order in which they are made, with seeded weights."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._weights: dict[str, NDArray[np.float32]] = {}
        self._random = np.random.default_rng(1)

    def weight(self, shape: tuple[int, ...]) -> str:
        name = f"w{len(self._weights)}"
        scale = (2 / np.prod(shape[1:] if len(shape) > 2 else shape[:1])) ** 0.5
        self._weights[name] = (self._random.standard_normal(shape) * scale).astype(np.float32)
        return name

    def node(self, kind: str, inputs: list[str], *, output: str = "", **attributes: Any) -> str:
        name = output or f"n{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def convolution(self, source: str, before: int, after: int, *, stride: int, relu: bool = True) -> str:
        weight = self.weight((after, before, 3, 3))
        made = self.node("Conv", [source, weight], strides=[stride] * 2, pads=[1] * 4)
        return self.node("Relu", [made]) if relu else made

    def serialized(self) -> bytes:
        inputs = [helper.make_tensor_value_info("face", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])]
        outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", DIMENSIONS])]
        initializers = [numpy_helper.from_array(value, name) for name, value in self._weights.items()]
        graph = helper.make_graph(self._nodes, "arcface-shaped", inputs, outputs, initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        return bytes(model.SerializeToString())
