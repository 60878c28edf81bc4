"""The claims parameter (OpenID Connect Core §5.5), read strictly.

``{"userinfo": {NAME: null | {"essential", "value", "values"}}, "id_token": {…}}``; other members of the top level and
of a claim's request are ignored, as §5.5 asks. ``verified_claims`` has a form of its own (`verified_claims`).
"""

from collections.abc import Mapping
from typing import Any

from idp.protocol import requested_claim, strict_json, verified_claims
from idp.protocol.refusals import Reason, Refusal

PLACES = ("userinfo", "id_token")
VERIFIED = "verified_claims"
MAX_BYTES = 8192
MAX_CLAIMS = 64  # in one place


def parse(value: object) -> dict[str, dict[str, Any]]:
    """The parameter as text or as the object of a request object; by place, claim name to its request or None.

    Raises `Refusal` (malformed).
    """
    if isinstance(value, str):
        value = strict_json.loads_object(value.encode(), max_bytes=MAX_BYTES)
    if not isinstance(value, Mapping):
        raise Refusal(Reason.MALFORMED, "claims is not an object")
    if rb"\u0000" in strict_json.dumps(value):  # databases cannot hold it
        raise Refusal(Reason.MALFORMED, "a null character")
    return {place: _of_place(value[place]) for place in PLACES if value.get(place) is not None}


def _of_place(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping) or len(value) > MAX_CLAIMS:
        raise Refusal(Reason.MALFORMED, "the claims of one place are not an object, or too many")
    return {name: _claim(name, item) for name, item in value.items()}


def _claim(name: str, item: object) -> Any:
    return verified_claims.parse(item) if name == VERIFIED else requested_claim.read(item)
