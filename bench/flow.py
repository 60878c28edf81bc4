"""The whole flow from a pushed request to its tokens, and userinfo with an access token of such a flow.

A flow is three requests: the push, the authorization request of a browser whose traveller is logged in and has agreed
before, and the token request. Each is made before it is timed, so what counts is the time that the server takes.
"""

import json
from urllib.parse import parse_qs, urlsplit

from bench import client, load
from bench.contenders import Contender


def flows(contender: Contender, count: int, *, plain: bool = False) -> tuple[float, list[str]]:
    """Seconds that ``count`` flows take, and their access tokens. ``plain``: no resource is named."""
    party, port = _party(contender), contender.server.port
    more = {} if plain else dict(contender.more)
    pushed = load.spend([party.push(**more) for _ in range(count)], port=port, status=201)
    uris = [json.loads(load.body(answer))["request_uri"] for answer in pushed.answers]
    cookie = contender.log_in()  # anew: the memory adapter forgets the oldest of some thousand things
    asked = [party.authorize(uri, cookie=cookie) for uri in uris]
    authorized = load.spend(asked, port=port, status=303)
    redeemed = load.spend([party.redeem(_code(answer), **more) for answer in authorized.answers], port=port)
    party.learn(redeemed.answers[-1])
    tokens = [json.loads(load.body(answer)) for answer in redeemed.answers]
    if {("id_token" in token, token["token_type"]) for token in tokens} != {(True, "DPoP")}:
        raise RuntimeError(f"another kind of answer: {sorted(tokens[0])}")
    return pushed.seconds + authorized.seconds + redeemed.seconds, [token["access_token"] for token in tokens]


def userinfo(contender: Contender, token: str, count: int) -> float:
    """Seconds that ``count`` requests for userinfo take, each with a proof of its own."""
    party = _party(contender)
    outcome = load.spend([party.userinfo(token) for _ in range(count)], port=contender.server.port)
    party.learn(outcome.answers[-1])
    if set(json.loads(load.body(outcome.answers[0]))) != {"sub"}:
        raise RuntimeError("another kind of userinfo")
    return outcome.seconds


def _code(answer: bytes) -> str:
    location = load.header(answer, "location")[0]
    codes = parse_qs(urlsplit(location).query).get("code")
    if not location.startswith(client.CALLBACK) or codes is None:
        raise RuntimeError(f"sent to {location}")
    return codes[0]


def _party(contender: Contender) -> client.Party:
    if contender.party is None:
        raise RuntimeError("a server that knows no pushed requests")
    return contender.party
