"""Resource indicators (RFC 8707): what an access token can be for, and who answers for it.

This node is a resource, and so is each URI that an officer registered with a client (`Client.resources`). They are
compared as strings, so a fragment or a relative URI is simply none that was registered.
"""

from collections.abc import Sequence

from idp import conf
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client


def check_known(resources: Sequence[str]) -> None:
    """Raises `OAuthError` (invalid_target) for one that nobody answers for."""
    elsewhere = others(resources)
    if elsewhere and not set(elsewhere) <= _registered():
        raise OAuthError("invalid_target", "a resource that nobody answers for")


def audience(asked: Sequence[str]) -> str:
    """The one resource of a token that no traveller consented to: this node unless the request names another."""
    if len(asked) > 1:
        raise OAuthError("invalid_target", "a token for several resources")
    return asked[0] if asked else conf.authority().entity_id


def consented_audience(asked: Sequence[str], consented: Sequence[str]) -> str:
    """The one resource of a token for what a traveller allowed (RFC 8707 §2.2); ``consented`` as the grant has it.

    Where the authorization request named none, it was this node. Raises `OAuthError` (invalid_target).
    """
    allowed = list(dict.fromkeys(consented)) or [conf.authority().entity_id]
    named = asked or allowed
    if len(named) != 1 or named[0] not in allowed:
        raise OAuthError("invalid_target", "not exactly one resource of those that were allowed")
    check_known(named)
    return named[0]


def others(resources: Sequence[str]) -> list[str]:
    """Those of ``resources`` that are not this node, each once."""
    return [resource for resource in dict.fromkeys(resources) if resource != conf.authority().entity_id]


def _registered() -> set[str]:
    rows = Client.objects.filter(disabled=False).exclude(resources=[]).values_list("resources", flat=True)
    return {resource for listed in rows for resource in listed}
