"""What another program needs to check the verdicts by itself: tokens, bundles, public keys, codes and faces."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from idp import clock
from idp.checkpoint.config import DATABASE
from idp.checkpoint.store import Store
from idp.demo.devices import Shown
from idp.demo.report import Crossing, Pictures
from idp.demo.staging import Stage
from idp.outbound import Outbound
from idp.protocol import base45, border_token, cose, jws, presentation, strict_json
from idp.wallet.keys import Keyring

RESOLVE_RESPONSE = jws.TokenType("resolve-response+jwt", required=("iss", "sub", "iat", "exp"), max_bytes=1 << 20)


class Evidence:
    """The folder ``evidence``: one folder for each presentation, the bundles and the public keys beside them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def presentation(self, crossing: Crossing, shown: Shown, pictures: Pictures, frames: list[bytes]) -> None:
        """What was shown at a lane, in the order in which it came."""
        place = self._directory / re.sub(r"[^a-z0-9-]", "", crossing.id)
        place.mkdir(exist_ok=True)
        (place / "presented.txt").write_text(shown.raw, "utf-8")
        token, proof = _parts(shown)
        (place / ("token.cwt" if shown.mode == "qr" else "token.jwt")).write_bytes(token)
        (place / ("proof.cwt" if shown.mode == "qr" else "proof.jwt")).write_bytes(proof)
        (place / "reference.jpg").write_bytes(pictures.reference)
        for number, frame in enumerate(frames):
            (place / f"probe-{number}.jpg").write_bytes(frame)
        if pictures.code is not None:
            (place / "code.png").write_bytes(pictures.code)
        (place / "crossing.json").write_text(json.dumps(crossing.wire(), ensure_ascii=False, indent=1), "utf-8")

    def bundles(self, stage: Stage) -> None:
        """The signed bundles that the gates decide by, and the anchors' public keys that they pin."""
        for checkpoint, lane in stage.all_lanes():
            text = _kept_bundle(stage.world.lane_directory(checkpoint, lane))
            (self._directory / f"bundle-{checkpoint.authority}-{lane}.json").write_text(text, "utf-8")
        anchors = {stage.world.authority(code).entity_id: made["anchor_jwks"] for code, made in stage.founded.items()}
        (self._directory / "anchor-keys.json").write_text(json.dumps(anchors, indent=1), "utf-8")


def resolve(node: str, subject: str) -> None:
    """Ask ``node``'s resolver for ``subject`` under its own anchor (Federation §8.3); raises RuntimeError."""
    outbound = Outbound(insecure_loopback_http=True, timeout=20.0)
    query = urlencode({"sub": subject, "trust_anchor": node})
    answer = outbound.request("GET", f"{node}/federation/resolve?{query}")
    outbound.close()
    if answer.status != 200:
        raise RuntimeError(f"{node} does not resolve {subject}: {answer.status} {answer.body[:300]!r}")
    claims = jws.parse_unverified(answer.body, RESOLVE_RESPONSE).claims  # shown, not relied on
    if claims.get("sub") != subject or len(claims.get("trust_chain", [])) < 2:
        raise RuntimeError(f"{node} resolved {subject} to no chain")


def reproved(shown: Shown, thief: Path) -> Shown:
    """The same token with a proof by the key of the phone in ``thief``: what a photograph of the token is good for."""
    token, _ = _parts(shown)
    audience = _audience(token)
    holder = Keyring(thief / "keys").holder(audience.partition("/checkpoints/")[0])
    proof = presentation.prove_time(token, aud=audience, now=clock.now(), holder=holder)
    if isinstance(proof, str):
        raise TypeError("a CWT's proof is a COSE message")
    return Shown(shown.mode, presentation.encode_qr(token, proof), shown.qr_version)


def _audience(token: bytes) -> str:
    return border_token.parse_unverified(token).aud


def _parts(shown: Shown) -> tuple[bytes, bytes]:
    if shown.mode == "qr":
        token, proof = cose.loads(base45.decode(shown.raw.removeprefix("BT1:")))
        return bytes(token), bytes(proof)
    link: dict[str, Any] = strict_json.loads_object(shown.raw)
    return str(link["token"]).encode(), str(link["proof"]).encode()


def _kept_bundle(directory: Path) -> str:
    store = Store(directory / DATABASE, clock.now)
    text = store.kept("bundle")
    store.close()
    if text is None:
        raise RuntimeError("a gate has no bundle")
    return text
