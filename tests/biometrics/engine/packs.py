"""Small face packs in the shapes that insightface expects, and pictures in which their detector finds a face.

The detector is SCRFD's shape: it looks for a square of pure colour, magenta for a face near the camera and green for
one half as large, and says that a face hangs below it. The embedder has fixed pseudo-random weights; the liveness
network calls what has some blue live. None has learnt anything.
"""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from idp.biometrics.engine.alignment import ARCFACE, similarity
from idp.biometrics.engine.detection import ENROLMENT_SIDE, Detector
from idp.biometrics.engine.pictures import decode
from idp.demo.photographs import people, portrait

from .frames import BGR

STRIDES = (8, 16, 32)
MAGENTA, GREEN = (255, 0, 255), (0, 255, 0)  # BGR and RGB alike
EYES_BELOW = 3.0  # strides from the square's upper left corner to the eyes' centre
INTER_EYE = 1.875  # strides; 120 pixels of a 720p frame at stride 32
CELL = 64  # pixels of a 1280x720 frame at stride 32: the detector looks at half of it
BOX = (1.9, -1.2, 1.9, 5.6)  # left, up, right and down of the corner, in strides
LANDMARKS = (ARCFACE - ARCFACE[:2].mean(axis=0)) * INTER_EYE / np.ptp(ARCFACE[:2, 0]) + (0.0, EYES_BELOW)


def _model(nodes: list[Any], inputs: list[Any], outputs: list[Any], weights: dict[str, NDArray[Any]]) -> bytes:
    initializers = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "small", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def _tensor(name: str, shape: list[Any]) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


@cache
def detector() -> bytes:
    """Nine outputs, two anchors, strides 8, 16 and 32; the input's size is free."""
    nodes, weights = [], {"to1": np.array([-1, 1]), "to4": np.array([-1, 4]), "to10": np.array([-1, 10])}
    colours = {8: (0.0, 0.0, 0.0), 16: (-1.0, 1.0, -1.0), 32: (1.0, -1.0, 1.0)}
    for stride in STRIDES:
        square = {"kernel_shape": [stride, stride], "strides": [stride, stride]}
        nodes.append(helper.make_node("AveragePool", ["image"], [f"cell{stride}"], **square))
        for kind, width in (("score", 1), ("box", 4), ("points", 10)):
            kernel = np.zeros((2 * width, 3, 1, 1), np.float32)
            shift = {"score": [-52.0], "box": list(BOX), "points": LANDMARKS.reshape(-1).tolist()}[kind]
            bias = np.tile(np.array(shift, np.float32), 2)
            if kind == "score":
                kernel[0, :, 0, 0] = 20 * np.array(colours[stride], np.float32)
                bias[1] = -1000.0
            name = f"{kind}{stride}"
            weights |= {f"{name}w": kernel, f"{name}b": bias}
            nodes.append(helper.make_node("Conv", [f"cell{stride}", f"{name}w", f"{name}b"], [f"{name}c"]))
            last = f"{name}c"
            if kind == "score":
                nodes.append(helper.make_node("Sigmoid", [last], [f"{name}s"]))
                last = f"{name}s"
            nodes.append(helper.make_node("Transpose", [last], [f"{name}t"], perm=[0, 2, 3, 1]))
            nodes.append(helper.make_node("Reshape", [f"{name}t", f"to{width}"], [name]))
    outputs = [
        _tensor(f"{kind}{stride}", [None, width])
        for kind, width in (("score", 1), ("box", 4), ("points", 10))
        for stride in STRIDES
    ]
    return _model(nodes, [_tensor("image", [1, 3, "height", "width"])], outputs, weights)


@cache
def recogniser(seed: int = 0, *, side: int = 112, dimensions: int = 512) -> bytes:
    """112x112 to 512: edges in four random directions, projected by a random matrix."""
    random = np.random.default_rng(seed)
    kernels = random.standard_normal((4, 3, 8, 8)).astype(np.float32)
    kernels -= kernels.mean(axis=(1, 2, 3), keepdims=True)
    weights = {
        "kernels": kernels,
        "matrix": random.standard_normal((4 * (side // 8) ** 2, dimensions)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["face", "kernels"], ["edges"], strides=[8, 8]),
        helper.make_node("Flatten", ["edges"], ["row"]),
        helper.make_node("MatMul", ["row", "matrix"], ["embedding"]),
    ]
    shapes = [_tensor("face", ["n", 3, side, side])], [_tensor("embedding", ["n", dimensions])]
    return _model(nodes, *shapes, weights)


@cache
def liveness() -> bytes:
    """80x80 to a probability: four times the mean of blue, 1 at most."""
    nodes = [
        helper.make_node("Gather", ["crop", "third"], ["blue"], axis=1),
        helper.make_node("ReduceMean", ["blue"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Add", ["mean", "mean"], ["twice"]),
        helper.make_node("Add", ["twice", "twice"], ["fourfold"]),
        helper.make_node("Clip", ["fourfold", "zero", "one"], ["live"]),
    ]
    limits = {"zero": np.array(0, np.float32), "one": np.array(1, np.float32), "third": np.array(2)}
    return _model(nodes, [_tensor("crop", ["n", 3, 80, 80])], [_tensor("live", ["n"])], limits)


def write(directory: Path, *, manifest: bool = True, seed: int = 0, **changes: Any) -> Path:
    """A pack of two networks in ``directory``; ``changes`` go over the manifest."""
    directory.mkdir(parents=True)
    files = {"detection": detector(), "recognition": recogniser(seed)}
    for task, content in files.items():
        (directory / f"{task}.onnx").write_bytes(content)
    if manifest:
        tasks = {task: {"file": f"{task}.onnx", "sha256": digest(content)} for task, content in files.items()}
        describe(directory, **{"tasks": tasks, **changes})
        (directory / "MODEL.LICENSE").write_text("For tests only.\n")
    return directory


def describe(directory: Path, **changes: Any) -> None:
    """The manifest V2 of `write`."""
    value = {"manifest_version": 2, "model_id": "tiny", "license": "MODEL.LICENSE"} | changes
    (directory / "manifest.json").write_text(json.dumps(value))


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@cache
def _eyes(person: int) -> NDArray[np.float64]:
    """Centres of the eyes on `portrait`."""
    return Detector().faces(decode(people()[person].jpeg), long_side=ENROLMENT_SIDE)[0].eyes


def scene(person: int, *, column: int = 10, row: int = 1, shift: tuple[float, float] = (0, 0)) -> BGR:
    """A 1280x720 frame with a real face where the detector will say that there is one, moved by ``shift`` pixels."""
    return draw(np.full((720, 1280, 3), 140, dtype=np.uint8), person, column=column, row=row, shift=shift)


def draw(
    frame: BGR, person: int, *, column: int, row: int, shift: tuple[float, float] = (0, 0), small: bool = False
) -> BGR:
    """The same into a frame that may hold another face; ``column`` and ``row`` count cells of 64 pixels, or 32."""
    cell = CELL // 2 if small else CELL
    corner = np.array([column, row], dtype=np.float64) * cell
    matrix = similarity(_eyes(person), LANDMARKS[:2] * cell + corner + shift)
    left, top, right, bottom = np.array([-BOX[0], -BOX[1], BOX[2], BOX[3]]) * cell + np.tile(corner, 2)
    inside = np.zeros(frame.shape[:2], dtype=bool)
    inside[max(0, int(top)) : int(bottom), max(0, int(left)) : int(right)] = True
    placed = cv2.warpAffine(portrait(person), matrix, (frame.shape[1], frame.shape[0]), borderMode=cv2.BORDER_REPLICATE)
    made = np.where(inside[..., None], placed, frame).astype(np.uint8)
    x, y = corner.astype(int)
    made[y : y + cell, x : x + cell] = GREEN if small else MAGENTA
    return made
