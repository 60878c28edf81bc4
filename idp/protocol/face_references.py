"""Face references as wallets carry them: sealed by their authority for itself, one for each face model.

Nobody but the authority reads what is in one; here is only how they stand in JSON (protocol.md, Face references).
"""

from collections.abc import Mapping
from typing import Any

from idp.protocol import strict_json
from idp.protocol.refusals import Reason, Refusal

MAX_REFERENCES = 8  # models of one document; a checkpoint names as many
MAX_BYTES = 2048  # of one: a template of 512 bytes and its seal need less than 700
MAX_MODEL = 64  # characters; protocol.border_claims


def wire(references: Mapping[str, bytes]) -> list[dict[str, str]]:
    """The JSON array of sealed references by model."""
    return [{"model": model, "face_reference": strict_json.b64encode(sealed)} for model, sealed in references.items()]


def parse(value: object) -> dict[str, bytes]:
    """Sealed references by model, from an array of ``{"model", "face_reference"}``; raises `Refusal` (malformed)."""
    if not isinstance(value, list) or len(value) > MAX_REFERENCES:
        raise Refusal(Reason.MALFORMED, f"face references are an array of at most {MAX_REFERENCES}")
    found = dict(_one(item) for item in value)
    if len(found) != len(value):
        raise Refusal(Reason.MALFORMED, "two face references of one model")
    return found


def _one(item: Any) -> tuple[str, bytes]:
    if not isinstance(item, Mapping):
        raise Refusal(Reason.MALFORMED, "a face reference is an object")
    model = strict_json.string(item, "model", max_length=MAX_MODEL)
    if not model.isprintable():
        raise Refusal(Reason.MALFORMED, "a model that cannot be printed")
    sealed = strict_json.b64decode(strict_json.string(item, "face_reference", max_length=MAX_BYTES * 4 // 3))
    return model, sealed
