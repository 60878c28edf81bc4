"""A client's keys for this protocol, from its metadata or from where that points to; never its federation keys.

A key that we do not know may be a new one, so we look again: at most once in `COOLDOWN` seconds for each client,
whichever worker asks, so that made-up key identifiers cost nobody anything.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from idp.federation import fetching, resolution
from idp.oidc import registration
from idp.oidc.models import Client
from idp.protocol import jwk_set, strict_json
from idp.protocol.keys import KeySet
from idp.protocol.refusals import Reason, Refusal, Unavailable

log = logging.getLogger(__name__)

Wanted = Callable[[Mapping[str, Any]], bool]  # whether a JWK Set has what is looked for

COOLDOWN = 60  # seconds between two fetches of one client's keys
REFRESH_AFTER = 3600  # seconds; a key that the client took back is forgotten then
KEEP = 86_400  # seconds that fetched keys serve while the client's server does not answer
TIMEOUT = 5.0  # seconds; a request is waiting


def for_document(client: Client, *, kid: str | None, now: int) -> KeySet:
    """The keys to verify a document with that names ``kid``.

    Raises `Refusal` when what the client publishes is not sound, `Unavailable` when it cannot be had just now.
    """
    if "jwks" not in client.metadata:
        return _fetched(client, kid, now)
    held = _own(client)
    if kid is None or held.find(kid) is not None or client.registration != Client.Registration.AUTOMATIC:
        return held
    chain = resolution.look_again(client.client_id, now=now)
    if chain is None:
        return held
    renewed = registration.renewed(chain, now=now, known=client)
    if "jwks" not in renewed.metadata:
        return _fetched(renewed, kid, now)
    return _own(renewed)


def all_of(client: Client, *, wanted: Wanted, now: int) -> dict[str, Any]:
    """The client's JWK Set as it stands, also with keys that nothing is verified with. Raises like `for_document`.

    Where what is ``wanted`` is missing, what stands at the client's URL may be newer.
    """
    if "jwks" in client.metadata:
        return dict(client.metadata["jwks"])
    if not {"signed_jwks_uri", "jwks_uri"} & set(client.metadata):
        raise Refusal(Reason.MALFORMED, "no keys in the client's metadata")
    return _kept(client, wanted, now)


def _own(client: Client) -> KeySet:
    """The keys in its metadata, read once for each object: a worker remembers rows (`client_rows.Held`)."""
    jwks = client.metadata["jwks"]
    read: tuple[object, KeySet] | None = getattr(client, "_keys_read", None)
    if read is None or read[0] is not jwks:
        read = jwks, jwk_set.signing_keys(jwks)
        client._keys_read = read  # type: ignore[attr-defined]
    return read[1]


def _fetched(client: Client, kid: str | None, now: int) -> KeySet:
    return jwk_set.signing_keys(_kept(client, lambda jwks: jwk_set.names(jwks, kid), now))


def _kept(client: Client, wanted: Wanted, now: int) -> dict[str, Any]:
    """What stands at the client's URL, fetched now if it must be, also because what is ``wanted`` is not there."""
    held: dict[str, Any] | None = client.fetched_jwks if now < client.jwks_until else None
    if held is not None and wanted(held) and now < client.jwks_asked_at + REFRESH_AFTER:
        return held
    mine = Client.objects.filter(pk=client.pk, jwks_asked_at__lte=now - COOLDOWN)
    if mine.update(jwks_asked_at=now) != 1:
        if held is None:
            raise Unavailable("the client's keys were asked for a moment ago")
        return held
    try:
        jwks, until = _download(client, now)
    except (Refusal, Unavailable) as error:
        if held is None:
            raise
        log.warning("keys of %s: %s", client.client_id, error)
        return held
    Client.objects.filter(pk=client.pk).update(fetched_jwks=jwks, jwks_until=until)
    client.fetched_jwks, client.jwks_until, client.jwks_asked_at = jwks, until, now
    return jwks


def _download(client: Client, now: int) -> tuple[dict[str, Any], int]:
    """The JWK Set at the client's URL, and until when it may be used without asking again."""
    if "signed_jwks_uri" in client.metadata:
        chain = resolution.resolve(client.client_id, now=now)
        response = fetching.get(client.metadata["signed_jwks_uri"], media_type=jwk_set.MEDIA_TYPE, timeout=TIMEOUT)
        jwks, expires_at = jwk_set.verify_signed(
            response.body, owner=client.client_id, federation_keys=chain.keys, now=now
        )
        return jwks, min(now + KEEP, expires_at or now + KEEP)
    response = fetching.get(
        client.metadata["jwks_uri"],
        media_type="application/json",
        also="application/jwk-set+json",  # RFC 7517 §8.5.2
        timeout=TIMEOUT,
    )
    jwks = strict_json.loads_object(response.body)
    jwk_set.check(jwks)
    return {"keys": jwks["keys"]}, now + KEEP
