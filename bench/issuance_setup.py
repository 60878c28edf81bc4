"""The node that issues border tokens while it is measured: ``python -m bench.issuance_setup``, as `bench.node_setup`.

Environment: that of a node; `JKTS`, the thumbprints of phones as a JSON array, one for each traveller; `GRANTS`, how
many each has; and `SEALING`, the checkpoint's public sealing key. Prints JSON: the checkpoint's entity identifier, the
document of each traveller, and the access tokens of each.
"""

import json
import os
import sys
import time
from typing import Any

import django

NOW = int(time.time())
MAX_TOKENS = 32  # of one consent; docs/protocol.md
CODE = "measured"
ROWS = """
INSERT INTO border_issuedtoken (jti, traveller_id, document_id, grant_id, device_jkt, holder_jkt, checkpoint, authority,
  direction, territory, form, face_model, issued_at, expires_at, status_uri, status_idx, revoked_by, revoked_for,
  suspended_by)
SELECT md5('a' || n), '{traveller}', '{document}', md5('g' || n / 8), md5('d' || n / 64), md5('h' || n / 64),
  '{checkpoint}', '{authority}', 'exit', 'CHN', 'cwt', 'm', {now} - 86400, {now} - 80000, 'old/' || n / 100000,
  n % 100000, '', '', '' FROM generate_series({first}, {last}) AS n
"""


def main() -> int:
    """Make everything, and print what the phones have to know."""
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        call_command("federation", "init", stdout=nowhere)
    checkpoint, client = _checkpoint(json.loads(os.environ["SEALING"])), _client()
    people = [_traveller(jkt, number) for number, jkt in enumerate(json.loads(os.environ["JKTS"]))]
    tokens = [
        [_token(traveller, document, client, checkpoint, jkt) for _ in range(int(os.environ["GRANTS"]))]
        for traveller, document, jkt in people
    ]
    documents = [str(document.pk) for _, document, _ in people]
    print(json.dumps({"checkpoint": checkpoint, "documents": documents, "tokens": tokens}))
    return 0


def _checkpoint(sealing: dict[str, Any]) -> str:
    from idp.biometrics.engine import EMBEDDED_MODEL
    from idp.border import checkpoints
    from idp.protocol import keys

    facts: dict[str, Any] = {"officer": "account:1", "now": NOW}
    name = {"en": "Measured"}
    made = checkpoints.register(code=CODE, name=name, neighbour="CHN", directions=["exit", "entry"], **facts)
    invitation = checkpoints.invite_lane(checkpoint=made, name="1", direction="exit", **facts)
    lane = {
        "jwk": keys.generate().public.jwk(),
        "sealing_jwks": {"keys": [sealing]},
        "face_models": [EMBEDDED_MODEL],
    }
    brought = checkpoints.parse_lane_keys(lane)
    checkpoints.enrol_lane(
        checkpoint_code=CODE, lane_name="1", code=invitation["code"], lane_keys=brought, now=facts["now"]
    )
    return made.entity_id


def _client() -> Any:
    from idp.oidc.models import Client

    return Client.objects.create(
        client_id="https://messenger.example",
        profile=Client.Profile.BORDER,
        registration=Client.Registration.ADMIN,
        metadata={"authorization_details_types": ["border_crossing"]},
        sector="messenger.example",
        created_at=NOW,
    )


def _traveller(jkt: str, number: int) -> tuple[Any, Any, str]:
    """A traveller with a phone, a document and a face reference."""
    import datetime

    from idp.accounts.models import Account, Device, TravelDocument, Traveller
    from idp.biometrics import references
    from idp.biometrics.engine import EMBEDDED_MODEL, Template

    traveller = Traveller.objects.create(account=Account.objects.create_user(f"measured-{number}"))
    Device.objects.create(traveller=traveller, jkt=jkt, name="phone")
    document = TravelDocument.objects.create(
        type="hkid",
        number=f"A{number:07}",
        name_native="陳大文",
        name_latin="CHAN, TAI MAN",
        birth_date=datetime.date(1990, 1, 1),
        sex="M",
        nationality="CHN",
        issued_by="HKG",
        traveller=traveller,
        linked_at=datetime.datetime.now(datetime.UTC),
    )
    template = Template(EMBEDDED_MODEL, "q8", bytes(range(128)))
    references.keep(traveller=traveller, document=document, template=template, now=NOW)
    return traveller, document, jkt


def _token(traveller: Any, document: Any, client: Any, checkpoint: str, jkt: str) -> str:
    """An access token of a grant of its own, as the token endpoint gives it."""
    from idp import conf
    from idp.oidc import tokens
    from idp.oidc.models import Grant

    detail = {
        "type": "border_crossing",
        "locations": [checkpoint],
        "directions": ["exit"],
        "document": str(document.pk),
        "valid_from": NOW - 60,
        "valid_until": NOW + 86_400,
        "max_tokens": MAX_TOKENS,
        "ahead": False,
    }
    grant = Grant.objects.create(
        traveller=traveller,
        client=client,
        authorization_details=[detail],
        acr="urn:causeway:acr:mfa",
        amr=["hwk", "user", "mfa"],
        auth_time=NOW,
        jkt=jkt,
        created_at=NOW,
    )
    return tokens.access_token(
        grant, audience=conf.authority().entity_id, scope="", details=[detail], jkt=jkt, now=int(time.time())
    )


if __name__ == "__main__":
    sys.exit(main())
