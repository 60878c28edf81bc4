"""The parser of dlib's file: nothing but the known file passes, and no byte makes it fall over."""

import math
import struct
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.biometrics.engine import dlib_weights
from idp.biometrics.engine.dlib_layers import Affine, Conv, Dense, Network, Pool
from idp.biometrics.engine.dlib_stream import Stream, UnableToReadWeights
from idp.biometrics.engine.onnx_graph import UnableToBuildGraph, build


def integer(value: int) -> bytes:
    magnitude = abs(value)
    size = max(1, (magnitude.bit_length() + 7) // 8)
    return bytes([size | (0x80 if value < 0 else 0)]) + magnitude.to_bytes(size, "little")


def integers(*values: int) -> bytes:
    return b"".join(map(integer, values))


def number(value: float) -> bytes:
    mantissa, exponent = math.frexp(value)
    return integers(int(mantissa * 2**24), exponent - 24)


def string(text: str) -> bytes:
    return integer(len(text)) + text.encode()


def tensor(count: int) -> bytes:
    values = [0.01 * (i % 7 - 3) for i in range(count)]
    return integers(2, count, 1, 1, 1) + struct.pack(f"<{count}f", *values)


EMPTY = integers(2, 0, 0, 0, 0)
RATES = number(1.0) * 4
CONV_3 = tensor(84) + integers(3, 3, 3, 1, 1, 0, 0) + integers(1, 3, 3, 3, 3) + integers(1, 1, 3, 1, 1) + RATES
CONV_6 = tensor(168) + integers(6, 3, 3, 2, 2, 0, 0) + integers(1, 6, 3, 3, 3) + integers(1, 1, 6, 1, 1) + RATES
SMALL = (  # a stem and a block that halves the plane and doubles the channels, as the real network's do
    (3, string("con_4") + CONV_3),
    (2, string("affine_") + tensor(6) + integers(1, 1, 3, 1, 1) * 2 + integer(0)),
    (2, string("relu_")),
    (1, b""),
    (2, string("con_4") + CONV_6),
    (1, b""),
    (1, b""),
    (2, string("avg_pool_2") + integers(2, 2, 2, 2, 0, 0)),
    (2, string("add_prev_")),
    (2, string("avg_pool_2") + integers(0, 0, 1, 1, 0, 0)),
    (2, string("fc_2") + integers(4, 6) + tensor(24) + integers(1, 6, 4, 1, 1, 1, 0, 0, 0, 0, 1) + RATES),
)


@cache
def small_file() -> bytes:
    """A whole network of 2 KB in dlib's layout."""
    head = integer(1) + string("loss_metric_2") + number(0.04) + number(0.6)
    versions = integers(*(version for version, _ in reversed(SMALL)))
    entry = string("input_rgb_image_sized") + number(122.782) + number(117.001) + number(104.298) + integers(12, 12)
    body = b""
    for version, details in SMALL:
        if version != 1:
            body += details + b"000" + EMPTY * 3 + (integer(1) if version == 3 else b"")
    return head + versions + entry + body


@cache
def known_file() -> bytes:
    return dlib_weights.packaged(dlib_weights.WEIGHTS).read_bytes()


@pytest.fixture(scope="module")
def network() -> Network:
    return dlib_weights.read_network()


def test_a_layer_lost_or_read_in_another_shape(network: Network) -> None:
    kinds = [type(layer).__name__ for layer in network.layers]
    counts = {name: kinds.count(name) for name in sorted(set(kinds))}
    assert counts == {
        "AddPrevious": 14, "Affine": 29, "Conv": 29, "Dense": 1, "Fork": 4, "Pool": 6, "Relu": 29, "Tag": 14,
    }  # fmt: skip
    assert network.size == (150, 150)
    assert network.averages == pytest.approx((122.782, 117.001, 104.298), abs=1e-4)


def test_weights_taken_from_the_wrong_place(network: Network) -> None:
    conv, affine = network.layers[0], network.layers[1]
    assert isinstance(conv, Conv)
    assert conv.weights.shape == (32, 3, 7, 7)
    assert conv.weights[0, 0, 0, :3] == pytest.approx([-0.02932992, -0.01886531, -0.00566939], abs=1e-8)
    assert conv.bias[0] == pytest.approx(1.9543244e-05, abs=1e-12)
    assert isinstance(affine, Affine)
    assert (affine.gamma[0], affine.beta[0]) == pytest.approx((12.166323, 0.46428606), abs=1e-6)
    dense, pool = network.layers[-1], network.layers[-2]
    assert isinstance(pool, Pool)
    assert pool.window == (0, 0)
    assert isinstance(dense, Dense)
    assert dense.weights[0, :3] == pytest.approx([-0.00674625, -0.01018923, 0.00524825], abs=1e-8)
    assert dense.weights[255, 127] == pytest.approx(0.00627936, abs=1e-8)


def test_the_weights_package_imported_although_its_import_needs_what_is_gone() -> None:
    dlib_weights.packaged(dlib_weights.WEIGHTS)
    assert dlib_weights.PACKAGE not in sys.modules


@settings(max_examples=15, deadline=None)
@given(offset=st.integers(0, 22_466_065), mask=st.integers(1, 255))
def test_an_altered_file_taken_for_the_known_one(
    tmp_path_factory: pytest.TempPathFactory, offset: int, mask: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "altered.dat"
    altered = bytearray(known_file())
    altered[offset] ^= mask
    path.write_bytes(altered)
    with pytest.raises(UnableToReadWeights, match="SHA-256"):
        dlib_weights.read_verified(path, dlib_weights.WEIGHTS_SHA256)


def test_a_missing_file_ending_in_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(UnableToReadWeights, match="cannot be read"):
        dlib_weights.read_verified(tmp_path / "absent.dat", dlib_weights.WEIGHTS_SHA256)


@settings(max_examples=20, deadline=None)
@given(size=st.integers(0, 22_466_065))
def test_a_truncated_file_read_beyond_its_end(size: int) -> None:
    with pytest.raises(UnableToReadWeights):
        dlib_weights.parse(known_file()[:size])


def test_bytes_left_over_not_noticed() -> None:
    with pytest.raises(UnableToReadWeights, match="left over"):
        dlib_weights.parse(small_file() + b"\x00")


def test_a_convolution_whose_parameters_do_not_fill_its_filters() -> None:
    altered = small_file().replace(integers(3, 3, 3, 1, 1, 0, 0), integers(3, 2, 3, 1, 1, 0, 0), 1)
    altered = altered.replace(integers(1, 3, 3, 3, 3), integers(1, 3, 4, 2, 3), 1)
    with pytest.raises(UnableToReadWeights, match="fill"):
        dlib_weights.parse(altered)


def test_a_small_network_in_the_same_layout_refused() -> None:
    assert len(dlib_weights.parse(small_file()).layers) == len(SMALL) - 1
    assert build(dlib_weights.parse(small_file()))


@given(offset=st.integers(0, len(small_file()) - 1), value=st.integers(0, 255))
def test_an_altered_byte_ending_in_anything_but_a_clear_error(offset: int, value: int) -> None:
    altered = bytearray(small_file())
    altered[offset] = value
    try:
        build(dlib_weights.parse(bytes(altered)))
    except (UnableToReadWeights, UnableToBuildGraph):
        return


@given(data=st.binary(max_size=64))
def test_any_bytes_ending_in_anything_but_a_clear_error(data: bytes) -> None:
    with pytest.raises(UnableToReadWeights):
        dlib_weights.parse(data)


@pytest.mark.parametrize(
    ("data", "value"),
    [(b"\x01\x00", 0), (b"\x01\x96", 150), (b"\x02\x80\x12", 4736), (b"\x81\x04", -4)],
)
def test_an_integer_misread(data: bytes, value: int) -> None:
    assert Stream(data).integer() == value


@pytest.mark.parametrize("data", [b"\x00", b"\x11\x00", b"\x09" + bytes(9), b"\x02\x01", b""])
def test_an_integer_of_an_impossible_size_accepted(data: bytes) -> None:
    with pytest.raises(UnableToReadWeights):
        Stream(data).integer()


def test_a_float_read_exponent_first() -> None:
    assert Stream(b"\x01\x10\x81\x04").number() == 1.0


def test_an_infinite_weight_accepted() -> None:
    with pytest.raises(UnableToReadWeights, match="finite"):
        Stream(integers(2, 1, 1, 1, 1) + struct.pack("<f", math.inf)).tensor(1)
    with pytest.raises(UnableToReadWeights, match="finite"):
        Stream(integers(1, 32000)).number()
