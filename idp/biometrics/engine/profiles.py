"""How embeddings are laid out in templates, and how far two of one layout are apart.

Steps are fixed, not fitted to each face, so that a template needs no header and distances of quantised and raw
embeddings mean the same.

- ``q8``: 128 raw components in 128 signed bytes; Euclidean distance. For dlib's network.
- ``q4``: 512 components of the embedding brought to length 1, at 4 bits, in 256 bytes; cosine distance. For networks of
  ArcFace's shape, whose length says how good the picture is and nothing of whose it is.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

Embedding = NDArray[np.float32]
Distances = NDArray[np.float64]

STEP: Final = 1.0 / 224  # of q8: int8 reaches 0.567; the largest component seen on 46 faces was below 0.45
LIMIT: Final = 127

UNIT_DIMENSIONS: Final = 512
LEVELS: Final = 16
UNIT_STEP: Final = 0.3352 / math.sqrt(UNIT_DIMENSIONS)
"""Of q4. A component of a vector of length 1 has a standard deviation of 1/sqrt(512) and is near to normal; for that
0.3352 deviations is the step of the uniform quantiser with 16 levels and the least squared error (J. Max, Quantizing
for minimum distortion, 1960, table II). It clips at 2.68 deviations, where 0.7 % of components lie."""


@dataclass(frozen=True)
class Profile:
    """``dimensions`` of the embedding, ``size`` of the template in bytes.

    ``encode``: float32 (dimensions,) to bytes. ``decode``: back, as `canonical` has it. ``canonical``: (n, dimensions),
    what distances are taken of. ``distances``: canonical (dimensions,) and (n, dimensions) to float64 (n,), in [0, 2]
    where the score is not yet 0.
    """

    name: str
    dimensions: int
    size: int
    encode: Callable[[Embedding], bytes]
    decode: Callable[[bytes], Embedding]
    canonical: Callable[[Embedding], Embedding]
    distances: Callable[[Embedding, Embedding], Distances]

    def check(self, embedding: Embedding) -> None:
        """Raise ValueError where ``embedding`` is none: our fault, never a picture's."""
        if embedding.shape != (self.dimensions,) or not np.isfinite(embedding).all():
            raise ValueError(f"an embedding is {self.dimensions} finite floats")


def _encode_bytes(embedding: Embedding) -> bytes:
    return bytes(np.clip(np.rint(embedding / STEP), -LIMIT, LIMIT).astype(np.int8).tobytes())


def _decode_bytes(data: bytes) -> Embedding:
    return np.frombuffer(data, dtype=np.int8).astype(np.float32) * np.float32(STEP)


def _as_it_is(embeddings: Embedding) -> Embedding:
    return embeddings


def _euclidean(known: Embedding, live: Embedding) -> Distances:
    return np.asarray(np.linalg.norm(live.astype(np.float64) - known.astype(np.float64), axis=1), dtype=np.float64)


def _encode_nibbles(embedding: Embedding) -> bytes:
    """Two components in a byte, the first in the high bits; no level is zero, so that none is lost (midrise)."""
    codes = np.clip(np.floor(_unit(embedding) / UNIT_STEP) + LEVELS // 2, 0, LEVELS - 1).astype(np.uint8)
    return bytes((codes[0::2] << 4 | codes[1::2]).astype(np.uint8).tobytes())


def _decode_nibbles(data: bytes) -> Embedding:
    pairs = np.frombuffer(data, dtype=np.uint8)
    codes = np.stack([pairs >> 4, pairs & 15], axis=1).reshape(-1).astype(np.float32)
    return _unit((codes - (LEVELS - 1) / 2) * np.float32(UNIT_STEP))


def _unit(embeddings: Embedding) -> Embedding:
    wide = embeddings.astype(np.float64)
    length = np.linalg.norm(wide, axis=-1, keepdims=True)
    if not length.all():
        raise ValueError("an embedding of length 0 has no direction")
    return np.asarray(wide / length, dtype=np.float32)


def _cosine(known: Embedding, live: Embedding) -> Distances:
    cosines = np.sum(live.astype(np.float64) * known.astype(np.float64), axis=1)
    return np.asarray(np.clip(1.0 - cosines, 0.0, 2.0), dtype=np.float64)


Q8: Final = Profile("q8", 128, 128, _encode_bytes, _decode_bytes, _as_it_is, _euclidean)
Q4: Final = Profile("q4", UNIT_DIMENSIONS, UNIT_DIMENSIONS // 2, _encode_nibbles, _decode_nibbles, _unit, _cosine)
PROFILES: Final[Mapping[str, Profile]] = MappingProxyType({one.name: one for one in (Q8, Q4)})
