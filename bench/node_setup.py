"""Our node as it is measured: ``python -m bench.node_setup`` makes its tables, keys, one client and one traveller.

A program of its own, because Django is set up once in a process. Environment: that of a node, and `CLIENT`, the
client's metadata as JSON. Prints JSON: the public key of its access tokens, and the cookie of a traveller's session.
"""

import json
import os
import sys
import time
from typing import Any

import django


def main() -> int:
    """Make everything, and print what the client has to know."""
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        call_command("federation", "init", stdout=nowhere)
    client = _client(json.loads(os.environ["CLIENT"]))
    from idp.federation import signing

    key = signing.private_key("oidc", algorithm="ES256").public
    print(json.dumps({"key": key.jwk(), "cookie": _session(client)}))
    return 0


def _client(metadata: dict[str, object]) -> Any:
    """As an officer registers one: the profile with every check."""
    from idp.oidc.models import Client

    client_id = str(metadata.pop("client_id"))
    return Client.objects.create(
        client_id=client_id,
        profile=Client.Profile.BORDER,
        registration=Client.Registration.ADMIN,
        metadata=metadata,
        sector="client.example",
        created_at=int(time.time()),
    )


def _session(client: Any) -> str:
    """A traveller who has logged in and agreed to what ``client`` will ask for; the cookie that says so."""
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth.models import AnonymousUser
    from django.db import transaction
    from django.http import HttpRequest

    from idp.accounts import sessions
    from idp.accounts.models import Account, Traveller
    from idp.oidc import consents

    account = Account.objects.create_user("measured", "a long enough password")
    traveller = Traveller.objects.create(account=account)
    with transaction.atomic():
        asked = {"scope": "openid"}
        consents.remember(traveller=traveller, client=client, parameters=asked, told=(), now=int(time.time()))
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore()
    request.user = AnonymousUser()
    sessions.begin(request=request, account=account, acr=sessions.ACR_MULTIFACTOR, amr=["hwk"], now=int(time.time()))
    request.session.save()
    return f"{settings.SESSION_COOKIE_NAME}={request.session.session_key}"


if __name__ == "__main__":
    sys.exit(main())
