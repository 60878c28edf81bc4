"""A node with lanes as `bench.journal` measures it: ``python -m bench.journal_node``.

A program of its own, because Django is set up once in a process. Environment: that of a node, and `LANES`, JSON: how
many lanes, their public key, and how many tokens of this node will have been used. Prints the lanes and the
numbers of those tokens, as JSON.
"""

import json
import os
import sys
import time
from typing import Any

import django

CHECKPOINTS, TRAVELLERS = 4, 20_000


def main() -> int:
    """Make everything, and print what the lanes have to know."""
    django.setup()
    from django.core.management import call_command

    asked = json.loads(os.environ["LANES"])
    call_command("migrate", verbosity=0)
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        call_command("federation", "init", stdout=nowhere)
    lanes = _lanes(asked["lanes"], asked["jwk"])
    print(json.dumps({"lanes": lanes, "tokens": _tokens(asked["tokens"])}))
    return 0


def _lanes(count: int, jwk: dict[str, str]) -> list[str]:
    """Lanes that are enrolled, evenly over a few checkpoints. They share a key, for the load to have one signer."""
    from idp.border import checkpoints
    from idp.border.models import Lane

    now = int(time.time())
    places = [
        checkpoints.register(
            code=f"place-{number}",
            name={"en": f"Place {number}"},
            neighbour="CHN",
            directions=["entry", "exit"],
            officer="bench",
            now=now,
        )
        for number in range(CHECKPOINTS)
    ]
    lanes = [
        Lane(
            checkpoint=places[number % CHECKPOINTS], name=f"lane-{number}", direction="entry", jwk=jwk, enrolled_at=now
        )
        for number in range(count)
    ]
    Lane.objects.bulk_create(lanes)
    return [lane.lane_id for lane in lanes]


def _tokens(count: int) -> list[str]:
    """Tokens of residents for their way home, as this node issued them."""
    import datetime

    from idp.accounts.models import Account, TravelDocument, Traveller
    from idp.border.models import IssuedToken
    from idp.conf import authority

    accounts = Account.objects.bulk_create(Account(username=f"t{number}") for number in range(TRAVELLERS))
    travellers = Traveller.objects.bulk_create(Traveller(account=account) for account in accounts)
    documents = TravelDocument.objects.bulk_create(_document(number, row) for number, row in enumerate(travellers))
    day = int(datetime.datetime.now().timestamp())
    common: dict[str, Any] = {"form": "cwt", "face_model": "m", "direction": "entry", "territory": "HKG"}
    common |= {"issued_at": day - 600, "expires_at": day + 1800, "status_uri": "u", "authority": authority().entity_id}
    rows = [
        IssuedToken(
            jti=f"own{number:019d}",
            traveller=travellers[number % TRAVELLERS],
            document=documents[number % TRAVELLERS],
            grant_id="g",
            device_jkt="d",
            holder_jkt="h",
            checkpoint="c",
            status_idx=number,
            **common,
        )
        for number in range(count)
    ]
    IssuedToken.objects.bulk_create(rows, batch_size=2_000)
    return [row.jti for row in rows]


def _document(number: int, traveller: Any) -> Any:
    import datetime

    from idp.accounts.models import TravelDocument

    return TravelDocument(
        type="hkid",
        number=f"A{number:07d}",
        name_native="無名",
        name_latin="NOBODY",
        birth_date=datetime.date(1990, 1, 1),
        sex="M",
        nationality="CHN",
        issued_by="HKG",
        traveller=traveller,
        linked_at=datetime.datetime.now(datetime.UTC),
    )


if __name__ == "__main__":
    sys.exit(main())
