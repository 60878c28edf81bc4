"""``python -m idp.demo.prepare STAGE FILE``: one node's officer and operator, at work in the node's own environment.

``found`` makes the database, keys, officer, register, checkpoint and lane invitations; ``recognise`` moves both
switches for each peer and collects the marks. Everything goes through the rooms' own functions, as the commands of
``manage.py`` and the admin site do.
"""

import base64
import json
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

OFFICER = "officer"
MARK_SECONDS = 20.0  # the peers do the same at the same time; a mark is there when both are done


def found(plan: dict[str, Any]) -> dict[str, Any]:
    """A node from nothing. Returns what `idp.demo` prints and needs: logins, invitations, public keys."""
    from django.core.management import call_command

    from idp import clock
    from idp.accounts import officers
    from idp.border import checkpoints
    from idp.federation import entities, signing

    call_command("migrate", verbosity=0)
    signing.ensure_keys()
    password = secrets.token_urlsafe(12)
    officer = officers.create(username=OFFICER, password=password, actor="console")
    second_factor = officers.give_second_factor(account=officer, actor="console")
    _register(plan)
    now = clock.now()
    place = plan["checkpoint"]
    checkpoint = checkpoints.register(
        code=place["code"],
        name=place["name"],
        neighbour=place["neighbour"],
        directions=place["directions"],
        officer=OFFICER,
        now=now,
    )
    invitations = {
        lane: checkpoints.invite_lane(checkpoint=checkpoint, name=lane, direction=direction, officer=OFFICER, now=now)
        for lane, direction in place["lanes"]
    }
    for entity_id, jwks in plan["subordinates"].items():
        entities.register_subordinate(
            entity_id=entity_id, jwks=jwks, entity_types=["openid_relying_party", "oauth_client"], now=now
        )
    return {
        "officer": {
            "username": OFFICER,
            "password": password,
            "totp_secret": second_factor.secret,
            "otpauth": second_factor.otpauth_uri,
        },
        "invitations": invitations,
        "anchor_jwks": signing.published("federation").jwks(),
    }


def recognise(plan: dict[str, Any]) -> dict[str, Any]:
    """Both switches for every peer, with the keys that came by a second channel; then the marks."""
    from idp import clock
    from idp.federation import peering, sync
    from idp.federation.models import HeldMark

    for entity_id, jwks in plan["peers"].items():
        peer = peering.propose(entity_id, officer=OFFICER, jwks=jwks)
        peering.recognise(peer, officer=OFFICER)
        peering.accept_recognition(peer, officer=OFFICER)
    deadline = time.monotonic() + MARK_SECONDS
    report: list[str] = []
    while HeldMark.objects.count() < len(plan["peers"]) and time.monotonic() < deadline:
        report = sync.sync(clock.now())
        time.sleep(0.2)
    if HeldMark.objects.count() < len(plan["peers"]):
        raise RuntimeError("not every mark came: " + "; ".join(report))
    return {"report": sync.sync(clock.now())}


def end(plan: dict[str, Any]) -> dict[str, Any]:
    """End the recognition of one peer."""
    from idp.federation import peering
    from idp.federation.models import Peer

    peering.end(Peer.objects.get(entity_id=plan["peer"]), officer=OFFICER)
    return {}


def revoke(plan: dict[str, Any]) -> dict[str, Any]:
    """Revoke one border token."""
    from idp import clock
    from idp.border import revocation
    from idp.border.models import IssuedToken

    tokens = IssuedToken.objects.filter(jti=plan["jti"])
    return {"revoked": revocation.revoke(tokens=tokens, actor=OFFICER, now=clock.now())}


def mirror(plan: dict[str, Any]) -> dict[str, Any]:
    """Fetch the peers' status lists, as the worker does every few seconds."""
    from idp import clock
    from idp.federation import status_mirror

    return {"lists": status_mirror.mirror(clock.now())}


def seen(plan: dict[str, Any]) -> dict[str, Any]:
    """What this authority has recorded of the crossings, and whether its audit holds."""
    from idp import clock
    from idp.audit import sealing, verification
    from idp.border import confirmation
    from idp.border.models import CrossingReceipt, JournalEntry

    confirmation.deliver(now=clock.now())
    sealing.seal(clock.now())
    return {
        "admitted": list(JournalEntry.objects.filter(decision="admit").values_list("jti", flat=True)),
        "entries": JournalEntry.objects.count(),
        "receipts": list(CrossingReceipt.objects.values_list("token_jti", flat=True)),
        "audit_problems": list(verification.findings(clock.now())),
    }


def _register(plan: dict[str, Any]) -> None:
    """The authority's register of documents, with portraits."""
    from idp import clock
    from idp.accounts import importing
    from idp.accounts.models import TravelDocument
    from idp.biometrics import portraits
    from idp.conf import authority

    documents = [{**entry["document"], "endorsements": dated(entry["endorsements"])} for entry in plan["register"]]
    for document in documents:
        document.pop("issued_by", None)
    importing.import_register(
        content=json.dumps({"documents": documents}, ensure_ascii=False).encode(),
        issued_by=authority().jurisdiction,
        actor=OFFICER,
    )
    for entry in plan["register"]:
        document = TravelDocument.objects.get(type=entry["document"]["type"], number=entry["document"]["number"])
        picture = base64.b64decode(entry["portrait"])
        portraits.import_portrait(document=document, picture=picture, officer=OFFICER, now=clock.now())


def dated(endorsements: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The endorsements of a specimen, good since a month ago and for eleven more."""
    today = date.today()
    first, last = today - timedelta(days=30), today + timedelta(days=335)
    dates = {"valid_from": first.isoformat(), "valid_to": last.isoformat()}
    return [{**endorsement, **dates} for endorsement in endorsements]


def main(stage: str, path: Path) -> None:
    """Run one stage; its plan is read from ``path`` and its outcome written beside it."""
    import django

    plan = json.loads(path.read_text("utf-8"))
    django.setup()
    stages = {"found": found, "recognise": recognise, "end": end, "revoke": revoke, "mirror": mirror, "seen": seen}
    outcome = stages[stage](plan)
    result = path.with_suffix(".out.json")
    result.touch(mode=0o600)
    result.write_text(json.dumps(outcome, ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    import os

    os.environ["DJANGO_SETTINGS_MODULE"] = "idp.settings"
    main(sys.argv[1], Path(sys.argv[2]))
