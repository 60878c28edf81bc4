"""The trust bundle of a checkpoint: what its gates may believe, built from what this node believes (protocol.md)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from idp import conf
from idp.federation import issuers, signing
from idp.federation.models import BundleSerial
from idp.protocol.trust_bundle import sign_bundle, sign_bundle_keys

LIFETIME = 86_400
RENEW_AFTER = 30  # seconds: lanes ask so often, and a bundle's age counts from its signing


def build(
    *,
    checkpoint_entity_id: str,
    checkpoint: Mapping[str, Any],
    policy: Mapping[str, Any],
    rules: Sequence[Mapping[str, Any]],
    watchlist: Mapping[str, Any],
    opening: Sequence[Mapping[str, Any]] = (),
    revoked_badges: Sequence[str] = (),
    now: int,
) -> dict[str, str]:
    """The wire form ``{"keys", "bundle"}`` for one checkpoint, with a serial that only grows.

    ``checkpoint``, ``policy``, ``rules`` and ``opening`` are as `idp.protocol.trust_bundle` reads them, ``watchlist``
    what it signs of the list (`idp.protocol.watch_list`). The last one is given again while nothing in it changed and
    it is younger than `RENEW_AFTER` seconds; `etag` names it. Serials are taken under a row lock: no two bundles share
    one.
    """
    trusted = issuers.accepted(now)
    parts = {
        "anchor_configuration": trusted.configuration,
        "checkpoint": dict(checkpoint),
        "policy": dict(policy),
        "rules": list(rules),
        "watchlist": dict(watchlist),
        "opening": list(opening),
        "revoked_badges": list(revoked_badges),
    }
    signers = [signing.signer("federation").kid, *(key.kid for key in signing.published("bundle", now=now).keys)]
    digest = hashlib.sha256(json.dumps([parts, trusted.digest, signers], sort_keys=True).encode()).hexdigest()
    known = BundleSerial.objects.filter(checkpoint=checkpoint_entity_id, digest=digest).first()
    if known is not None and 0 <= now - known.built_at < RENEW_AFTER and known.bundle:
        return {"keys": known.keys, "bundle": known.bundle}
    with transaction.atomic():
        BundleSerial.objects.get_or_create(checkpoint=checkpoint_entity_id)
        row = BundleSerial.objects.select_for_update().get(checkpoint=checkpoint_entity_id)
        if row.digest != digest or not 0 <= now - row.built_at < RENEW_AFTER:
            row.serial, row.digest, row.built_at = row.serial + 1, digest, now
            row.save()  # the serial is taken before it is signed
            row.keys, row.bundle = _sign(checkpoint_entity_id, row.serial, {**parts, "issuers": trusted.claim}, now)
            row.save(update_fields=["keys", "bundle"])
    return {"keys": row.keys, "bundle": row.bundle}


def etag(bundle: Mapping[str, str]) -> str:
    """The strong entity tag of a built bundle."""
    return f'"{hashlib.sha256(bundle["bundle"].encode()).hexdigest()[:32]}"'


def _sign(checkpoint: str, serial: int, parts: Mapping[str, Any], now: int) -> tuple[str, str]:
    node = conf.authority().entity_id
    keys = sign_bundle_keys(
        signing.published("bundle", now=now),
        entity_id=node,
        signer=signing.private_key("federation"),
        now=now,
        lifetime=LIFETIME,
    )
    claims = {"iss": node, "aud": checkpoint, "iat": now, "exp": now + LIFETIME, "serial": serial, **parts}
    return keys, sign_bundle(claims, signing.private_key("bundle"))
