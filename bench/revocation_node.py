"""A node as `bench.revocation` measures it: ``python -m bench.revocation_node make|recognise|sync|revoke``.

Environment: that of a node, and `ASKED`, JSON. Prints what it made as JSON; ``revoke`` takes back one token for each
line that it reads, and prints when that was committed.
"""

import json
import os
import sys
import time
from typing import Any

import django

OFFICER = "bench"


def main(what: str) -> int:
    """Do ``what``."""
    django.setup()
    asked = json.loads(os.environ["ASKED"])
    if what == "revoke":
        return _revoke()
    print(json.dumps({"make": _make, "recognise": _recognise, "sync": _sync}[what](asked)))
    return 0


def _make(asked: dict[str, Any]) -> dict[str, Any]:
    """The lanes' identifiers, and tokens as they will be looked for."""
    from django.core.management import call_command

    from bench import journal_node
    from idp.border.models import IssuedToken
    from idp.federation import status_lists

    call_command("migrate", verbosity=0)
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        call_command("federation", "init", stdout=nowhere)
    journal_node.CHECKPOINTS = asked["checkpoints"]
    journal_node.TRAVELLERS = 1
    lanes = journal_node._lanes(asked["checkpoints"] * asked["lanes"], asked["jwk"])
    journal_node._tokens(asked["tokens"])
    found = []
    for token in IssuedToken.objects.all():
        token.status_uri, token.status_idx = status_lists.allocate(expires_at=token.expires_at, now=int(time.time()))
        token.save()
        found.append({"uri": token.status_uri, "idx": token.status_idx})
    return {"lanes": lanes, "tokens": found}


def _recognise(asked: dict[str, Any]) -> dict[str, Any]:
    """Both switches for each peer, whose keys come here without a second channel."""
    from idp.federation import peering

    for entity_id in asked["peers"]:
        peer = peering.propose(entity_id, officer=OFFICER)
        peering.accept_recognition(peering.recognise(peer, officer=OFFICER), officer=OFFICER)
    return _sync(asked)


def _sync(asked: dict[str, Any]) -> dict[str, Any]:
    """Marks, chains and lists."""
    from idp.federation import sync, watching

    now = int(time.time())
    watching.watch(now)
    return {"report": sync.sync(now)}


def _revoke() -> int:
    from idp.border import revocation
    from idp.border.models import IssuedToken

    waiting = iter(list(IssuedToken.objects.order_by("pk").values_list("pk", flat=True)))
    for _ in sys.stdin:
        tokens = IssuedToken.objects.filter(pk=next(waiting))
        if revocation.revoke(tokens=tokens, actor=OFFICER, now=int(time.time())) != 1:
            raise RuntimeError("nothing was revoked")
        print(time.time(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
