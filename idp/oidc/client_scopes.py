"""The scopes of a client that asks for itself (RFC 6749 §4.4): its own, not those of travellers."""

from idp.oidc import parameters
from idp.oidc.models import Client


def granted(client: Client, asked: str | None) -> str:
    """What it registered (RFC 7591 §2) of what it asks for, or everything; separated by spaces, "" for nothing.

    The scopes of OpenID Connect stand for a traveller's claims, and here is no traveller.
    """
    registered = client.metadata.get("scope")
    names = registered.split() if isinstance(registered, str) else []
    own = [name for name in names if name not in parameters.SCOPES]
    return " ".join(name for name in own if asked is None or name in asked.split())
