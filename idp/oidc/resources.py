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
    others = {resource for resource in resources if resource != conf.authority().entity_id}
    if others and not others <= _registered():
        raise OAuthError("invalid_target", "a resource that nobody answers for")


def audience(asked: Sequence[str]) -> str:
    """The one resource of a token that no traveller consented to: this node unless the request names another."""
    if len(asked) > 1:
        raise OAuthError("invalid_target", "a token for several resources")
    return asked[0] if asked else conf.authority().entity_id


def _registered() -> set[str]:
    rows = Client.objects.filter(disabled=False).exclude(resources=[]).values_list("resources", flat=True)
    return {resource for listed in rows for resource in listed}
