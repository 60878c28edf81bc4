"""What came to a client's callback, read as the client must: in the mode that it asked for, its own query intact."""

import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from tests.conformance import jose
from tests.conformance.browsing import Arrival

LIFETIME = 600  # seconds, the most that JARM §2.1 recommends
MODERN = {"ES256", "PS256", "EdDSA", "Ed25519"}  # FAPI 2.0 §5.4.1


def read(
    arrival: Arrival, *, mode: str | None, issuer: str, client_id: str, callbacks: Collection[str], server: Any
) -> Arrival:
    """``arrival`` with what the response says as its parameters; a page of the node stays one.

    ``callbacks`` are the client's, of which one may have a query of its own (RFC 6749 §3.1.2). A signed response is
    verified by the keys of ``server`` and must be the only parameter (JARM §2.4).
    """
    if arrival.callback is None:
        return arrival
    callback, _, query = arrival.callback.partition("?")
    parameters = {**dict(parse_qsl(query)), **arrival.parameters}
    for own in (dict(parse_qsl(uri.partition("?")[2])) for uri in callbacks if uri.partition("?")[0] == callback):
        assert own.items() <= parameters.items(), f"the query of the redirect URI was lost: {parameters}"
        parameters = {name: value for name, value in parameters.items() if name not in own}
    assert arrival.by_form == (mode or "").startswith("form_post"), arrival
    if mode is not None and mode.endswith("jwt"):
        assert set(parameters) == {"response"}, parameters
        parameters = signed(parameters["response"], issuer=issuer, client_id=client_id, keys=server.signing_keys())
    return replace(arrival, callback=callback, parameters=parameters)


def signed(text: str, *, issuer: str, client_id: str, keys: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The parameters in a signed response (JARM §2.1, §2.4); ``iss`` is one of them, as in a plain response."""
    header = json.loads(jose.decode(text.split(".")[0]))
    assert header["alg"] in MODERN and header["kid"], header
    claims = jose.verified(text, [dict(key) for key in keys])
    now = time.time()
    assert claims["iss"] == issuer and claims["aud"] == client_id, claims
    assert now + 10 < claims["exp"] <= now + LIFETIME, claims
    return {name: value for name, value in claims.items() if name not in ("aud", "exp", "iat", "nbf", "jti")}
