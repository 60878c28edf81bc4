"""What a wallet asks for: one border token, or those of a group that crosses together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from idp import conf
from idp.border.eligibility import UnableToIssue
from idp.protocol import face_references, keys, strict_json
from idp.protocol.holder_key import verify_holder_key
from idp.protocol.refusals import Reason, Refusal

FORMS = ("jwt", "cwt")
MAX_GROUP = 10  # in a car; a bus shows four at a time


@dataclass(frozen=True)
class TokenRequest:
    """One token. ``holder`` is the phone's key for the receiving authority, its possession proven."""

    checkpoint: str
    direction: str
    document: str
    form: str
    holder: keys.PublicKey
    face_references: Mapping[str, bytes] = field(default_factory=dict)  # sealed, by model, where the wallet keeps them


def parse(value: Mapping[str, Any], *, access_token: str, now: int) -> Sequence[TokenRequest]:
    """Read the body of ``POST /border/v1/tokens``: one request for each document, all alike otherwise.

    Raises `Refusal` (malformed) or `UnableToIssue` (invalid_proof, group_too_large).
    """
    form, direction = value.get("format"), value.get("direction")
    if form not in FORMS or direction not in ("exit", "entry"):
        raise Refusal(Reason.MALFORMED, "format or direction is none of ours")
    checkpoint = strict_json.string(value, "checkpoint", max_length=255)
    carried = _group(value) if "documents" in value else _single(value)
    proof = strict_json.string(value, "proof", max_length=4096)
    try:
        holder = verify_holder_key(
            proof,
            holder_jwk=value.get("holder_key"),
            audience=conf.authority().entity_id,
            access_token=access_token,
            now=now,
        )
    except Refusal as error:
        raise UnableToIssue("invalid_proof", str(error)) from error
    return [
        TokenRequest(checkpoint, str(direction), document, str(form), holder, references)
        for document, references in carried.items()
    ]


def _single(value: Mapping[str, Any]) -> dict[str, Mapping[str, bytes]]:
    document = strict_json.string(value, "document", max_length=64)
    return {document: face_references.parse(value.get("face_references", []))}


def _group(value: Mapping[str, Any]) -> dict[str, Mapping[str, bytes]]:
    """By document, what the wallet keeps of its holder's face: an object of arrays, where a single one has an array."""
    documents, handed_in = value["documents"], value.get("face_references", {})
    if "document" in value or not isinstance(documents, list) or not documents:
        raise Refusal(Reason.MALFORMED, "document and documents, or a group of nobody")
    if len(documents) > MAX_GROUP:
        raise UnableToIssue("group_too_large", f"a group of more than {MAX_GROUP}")
    if not all(isinstance(item, str) and 0 < len(item) <= 64 for item in documents):
        raise Refusal(Reason.MALFORMED, "documents are references as they were granted")
    if len(set(documents)) != len(documents):
        raise Refusal(Reason.MALFORMED, "a document stands twice in a group")
    if not isinstance(handed_in, Mapping) or not handed_in.keys() <= set(documents):
        raise Refusal(Reason.MALFORMED, "face references of somebody who is not of the group")
    return {document: face_references.parse(handed_in.get(document, [])) for document in documents}
