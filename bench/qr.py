"""The QR code at a lane: how large it is, and how often and how fast a camera's frames of it are read.

Run: python -m bench.qr. A presentation with entity identifiers of 60 characters and a full sealed content is drawn into
720p frames, turned, blurred and made noisy; the ratio is decoding it against decoding the same code undisturbed.
"""

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import segno
import zxingcpp
from numpy.typing import NDArray

from idp.protocol import border_token, keys, presentation
from idp.protocol.border_token import Sealed, TokenClaims

NOW = 1_800_000_000
FRAME = (1280, 720)  # pixels, width and height
FRAMES = 100
MAX_VERSION = {128: 25, 256: 27}  # by bytes of the face template
ENTITY_LENGTH = 60
MODULE = (3.0, 4.8)  # pixels of the frame that a module covers: a phone at arm's length, and one held close
TURN = 10.0  # degrees, either way
BLUR = 0.9  # pixels, sigma
NOISE = 10.0  # grey levels, sigma
QUIET = 4  # modules around the code (ISO/IEC 18004 §7.3.7)

Frame = NDArray[np.uint8]


def run() -> dict[str, Any]:
    """Versions for templates of 128 and 256 bytes, frames read of 100, and times in milliseconds."""
    figures: dict[str, Any] = {}
    for size in MAX_VERSION:
        text = largest_presentation(size)
        figures[f"qr_{size}"] = {"version": version(text), "characters": len(text)}
    text = largest_presentation(128)
    random = np.random.default_rng(20270115)
    disturbed = [camera_frame(text, random) for _ in range(FRAMES)]
    plain = camera_frame(text, None)
    read = sum(decode(frame) == text for frame in disturbed)
    times = _timed(decode, disturbed)
    undisturbed = _timed(decode, [plain] * FRAMES)
    figures["qr_decode_720p"] = {"read": read, "of": FRAMES, **_summary(times)}
    figures["qr_decode_720p_undisturbed"] = _summary(undisturbed)
    ratio = statistics.median(times) / statistics.median(undisturbed)
    return {"figures": figures, "ratios": {"qr_disturbed_vs_undisturbed": round(ratio, 2)}}


def largest_presentation(template_bytes: int) -> str:
    """The text of a QR code with everything in it: the longest identifiers, every sealed part, and a nonce."""
    issuer, sealing, holder = keys.generate(), keys.generate(), keys.generate()
    random = np.random.default_rng(template_bytes)  # a template is as good as random: nothing compresses it
    claims = TokenClaims(
        iss=entity_id("idp"),
        aud=entity_id("gate"),
        exp=NOW + 1800,
        nbf=NOW,
        iat=NOW,
        jti=random.bytes(16),
        holder=holder.public,
        acr="urn:causeway:acr:fal3",
        amr=("face", "hwk", "pop", "mfa", "user"),
        direction="exit",
        origin="HKG",
        destination="CHN",
        document_type="eep",
        face_model="dlib-resnet-v1",
        face_profile="128x8",
        status_uri=entity_id("idp") + "/status/2027011508",
        status_idx=1_048_575,
    )
    token = border_token.issue_cwt(
        claims, full_content(random.bytes(template_bytes)), signer_key=issuer, recipient=sealing.public
    )
    proof = presentation.prove(token, aud=claims.aud, nonce=random.bytes(16), now=NOW, holder=holder)
    assert isinstance(proof, bytes)
    return presentation.encode_qr(token, proof)


def full_content(template: bytes) -> Sealed:
    """A traveller with a name in two scripts, an endorsement with every member, and a guardian."""
    return Sealed(
        sub="3q2-796tvu_erb7v3q2-796tvu_erb7v3q2-796tvu8",
        document_number="CA1234567",
        name_native="欧阳文静",
        name_latin="OUYANG, WENJING MARGARET",
        birth_date="1990-01-01",
        sex="F",
        nationality="CHN",
        template=template,
        endorsement={
            "kind": "G",
            "destination": "HKG",
            "valid_from": "2026-12-01",
            "valid_to": "2027-11-30",
            "entries_left": 2,
            "stay_days": 7,
            "weekly": True,
            "entered_on": "2026-12-24",
            "first_entered_on": "2026-12-03",
        },
        stay_days=7,
        guardian="CA7654321",
    )


def entity_id(host: str) -> str:
    """An entity identifier of the greatest length that the QR code is made for."""
    return f"https://{host}.".ljust(ENTITY_LENGTH - len(".example"), "x") + ".example"


def version(text: str) -> int:
    """The version of the code at error correction level M."""
    return int(_code(text).version)


def draw(text: str, *, scale: int) -> Frame:
    """The code with its quiet zone as a grey picture, ``scale`` pixels a module."""
    modules = np.array([list(row) for row in _code(text).matrix_iter(border=QUIET)], dtype=np.uint8)
    drawn: Frame = np.kron(1 - modules, np.ones((scale, scale), dtype=np.uint8)) * np.uint8(255)
    return drawn


def camera_frame(text: str, random: np.random.Generator | None) -> Frame:
    """A 720p frame of a phone that shows ``text``: turned, blurred and noisy, or not where ``random`` is None."""
    (width, height), side = FRAME, 8
    code = draw(text, scale=side)
    angle, module, shift = 0.0, MODULE[1], 0.0
    if random is not None:
        angle, module, shift = random.uniform(-TURN, TURN), random.uniform(*MODULE), random.uniform(-200, 200)
    turn = cv2.getRotationMatrix2D((code.shape[1] / 2, code.shape[0] / 2), angle, module / side)
    turn[:, 2] += ((width - code.shape[1]) / 2 + shift, (height - code.shape[0]) / 2)
    frame = cv2.warpAffine(code, turn, FRAME, flags=cv2.INTER_AREA, borderValue=(200,))
    if random is None:
        return frame.astype(np.uint8)
    blurred = cv2.GaussianBlur(frame, (0, 0), BLUR).astype(np.float32)
    dimmed = blurred * random.uniform(0.6, 1.0) + random.normal(0.0, NOISE, blurred.shape)
    noisy: Frame = np.clip(dimmed, 0, 255).astype(np.uint8)
    return noisy


def decode(frame: Frame) -> str:
    """What a lane reads in a frame, or nothing."""
    found = zxingcpp.read_barcodes(frame, formats=zxingcpp.BarcodeFormat.QRCode)
    return found[0].text if found else ""


def _code(text: str) -> Any:
    return segno.make(text, error="m", micro=False, boost_error=False, mode="alphanumeric")


def _timed(action: Callable[[Frame], object], frames: list[Frame]) -> list[float]:
    times = []
    for frame in frames:
        start = time.perf_counter()
        action(frame)
        times.append(time.perf_counter() - start)
    return times


def _summary(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    p95 = ordered[int(0.95 * (len(ordered) - 1))]
    return {"median_ms": round(statistics.median(ordered) * 1000, 2), "p95_ms": round(p95 * 1000, 2)}


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
