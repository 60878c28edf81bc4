"""Reads dlib's CC0 face network from the file that the package ``face_recognition_models`` carries.

The package is found and never imported (its import wants ``pkg_resources``). The file nests: all version numbers first,
outermost to innermost, then the input layer, then the layers innermost first, which is the order of the data.
"""

import hashlib
import importlib.util
from collections.abc import Callable
from pathlib import Path

from idp.biometrics.engine.dlib_layers import (
    AddPrevious,
    Affine,
    Conv,
    Dense,
    Fork,
    Layer,
    Network,
    Pool,
    Relu,
    Tag,
)
from idp.biometrics.engine.dlib_stream import Stream, UnableToReadWeights

PACKAGE = "face_recognition_models"
WEIGHTS = "dlib_face_recognition_resnet_model_v1.dat"
WEIGHTS_SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
LANDMARKS = "shape_predictor_5_face_landmarks.dat"
LANDMARKS_SHA256 = "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888"
MAX_WRAPPERS = 400  # the known file has 130
MAX_SIDE = 1024  # of a kernel, a stride, a padding or the input
MARKER, LAYER, INNERMOST = 1, 2, 3  # a wrapper's version: a tag or a skip; a layer; the layer on the input


def packaged(name: str) -> Path:
    """Where the model package keeps ``name``; raises `UnableToReadWeights` when the package is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise UnableToReadWeights(f"the package {PACKAGE} is not installed")
    return Path(spec.origin).parent / "models" / name


def landmarks_file() -> Path:
    """The path of the 5-point predictor, digest checked. Raises `UnableToReadWeights`."""
    path = packaged(LANDMARKS)
    read_verified(path, LANDMARKS_SHA256)
    return path


def read_verified(path: Path, sha256: str) -> bytes:
    """The bytes of ``path`` if their SHA-256 is ``sha256``; otherwise raises `UnableToReadWeights`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnableToReadWeights(f"{path.name} cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise UnableToReadWeights(f"{path.name} is not the file that this program knows (SHA-256 differs)")
    return data


def read_network() -> Network:
    """The face network from the installed package, digest checked. Raises `UnableToReadWeights`."""
    return parse(read_verified(packaged(WEIGHTS), WEIGHTS_SHA256))


def parse(data: bytes) -> Network:
    """Parse the serialised network, to its last byte.

    Source: dlib ``dnn/core.h``, ``dnn/layers.h``, ``dnn/input.h``. Raises `UnableToReadWeights`.
    """
    stream = Stream(data)
    stream.expect(1, "version of the loss layer")
    _name(stream, "loss_metric_2")
    stream.numbers(2)  # margin, distance threshold
    versions = _versions(stream)
    _name(stream, "input_rgb_image_sized")
    red, green, blue = stream.numbers(3)
    rows, columns = stream.integers(2)
    if not (1 <= rows <= MAX_SIDE and 1 <= columns <= MAX_SIDE):
        raise stream.fault(f"an input of {rows}x{columns}")
    layers = _layers(stream, versions[::-1])
    stream.end()
    return Network(averages=(red, green, blue), size=(rows, columns), layers=layers)


def _name(stream: Stream, wanted: str) -> None:
    found = stream.string()
    if found != wanted:
        raise stream.fault(f"layer {found!r}, expected {wanted!r}")


def _versions(stream: Stream) -> list[int]:
    versions: list[int] = []
    while not versions or versions[-1] != INNERMOST:
        version = stream.integer()
        if version not in (MARKER, LAYER, INNERMOST) or len(versions) >= MAX_WRAPPERS:
            raise stream.fault(f"wrapper {len(versions)} has version {version}")
        versions.append(version)
    return versions


def _layers(stream: Stream, versions: list[int]) -> tuple[Layer, ...]:
    """Markers store nothing: two in a row are tag2 and skip1, one alone is tag1."""
    layers: list[Layer] = []
    for version in versions:
        if version == MARKER:
            if layers and isinstance(layers[-1], Tag):
                layers[-1] = Fork()
            else:
                layers.append(Tag())
            continue
        layers.append(_layer(stream))
        for _ in range(3):  # set up, gradient stale, outputs disabled: state of a training run
            stream.flag()
        for _ in range(3):  # x_grad, cached output, and params_grad or grad_final: all empty
            stream.tensor(0)
        if version == INNERMOST:
            stream.expect(1, "sample expansion factor")
    return tuple(layers)


def _layer(stream: Stream) -> Layer:
    name = stream.string()
    read = READERS.get(name)
    if read is None:
        raise stream.fault(f"layer {name!r} is not known")
    return read(stream)


def _geometry(stream: Stream) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Window, stride and padding, each (y, x)."""
    rows, columns, stride_y, stride_x, padding_y, padding_x = stream.integers(6)
    sides = (rows, columns, stride_y, stride_x, padding_y, padding_x)
    if min(sides) < 0 or max(sides) > MAX_SIDE or min(stride_y, stride_x) < 1:
        raise stream.fault(f"window, stride and padding {sides}")
    return (rows, columns), (stride_y, stride_x), (padding_y, padding_x)


def _conv(stream: Stream) -> Conv:
    params = stream.open_tensor()
    filters = stream.integer()
    (rows, columns), stride, padding = _geometry(stream)
    if filters < 1 or rows < 1 or columns < 1 or params.size <= filters:
        raise stream.fault("an empty convolution")
    channels, rest = divmod(params.size - filters, filters * rows * columns)
    if rest or channels < 1:
        raise stream.fault("a convolution's parameters do not fill its filters")
    stream.alias((filters, channels, rows, columns))
    stream.alias((1, filters, 1, 1))
    stream.numbers(4)  # learning rates and weight decays
    weights = params[:-filters].reshape(filters, channels, rows, columns)
    return Conv(weights=weights, bias=params[-filters:], stride=stride, padding=padding)


def _affine(stream: Stream) -> Affine:
    params = stream.open_tensor()
    channels = params.size // 2
    if channels < 1 or params.size % 2:
        raise stream.fault("an affine layer without its halves")
    stream.alias((1, channels, 1, 1))
    stream.alias((1, channels, 1, 1))
    stream.expect(0, "mode of the affine layer")
    return Affine(gamma=params[:channels], beta=params[channels:])


def _pool(kind: str) -> Callable[[Stream], Pool]:
    def read(stream: Stream) -> Pool:
        window, stride, padding = _geometry(stream)
        return Pool(kind=kind, window=window, stride=stride, padding=padding)

    return read


def _dense(stream: Stream) -> Dense:
    outputs, inputs = stream.integers(2)
    if outputs < 1 or inputs < 1:
        raise stream.fault("an empty dense layer")
    params = stream.tensor(outputs * inputs)
    stream.alias((inputs, outputs, 1, 1))
    stream.alias((0, 0, 0, 0))
    stream.expect(1, "bias mode of the dense layer")
    stream.numbers(4)
    return Dense(weights=params.reshape(inputs, outputs))


READERS: dict[str, Callable[[Stream], Layer]] = {
    "con_4": _conv,
    "affine_": _affine,
    "relu_": lambda stream: Relu(),
    "add_prev_": lambda stream: AddPrevious(),
    "max_pool_2": _pool("max"),
    "avg_pool_2": _pool("avg"),
    "fc_2": _dense,
}
