"""How travellers are shown a client: its name, where it runs, and its pages about itself (RFC 7591 §2)."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from idp.oidc import client_metadata
from idp.oidc.models import Client

_PAGES = (("client_uri", _("Website")), ("policy_uri", _("Privacy policy")), ("tos_uri", _("Terms of use")))


@dataclass(frozen=True)
class Page:
    """A link to a page of the client's."""

    label: Any  # translated when it is shown
    uri: str
    host: str


@dataclass(frozen=True)
class Shown:
    """A client in the language of the page."""

    name: str
    host: str
    pages: tuple[Page, ...]
    nobody_vouches: bool  # it registered itself


def of(client: Client, *, redirect_uri: str = "") -> Shown:
    """``client`` as it is shown; ``redirect_uri`` is where an answer goes, if there is to be one."""
    language = get_language() or "en"
    return Shown(
        name=client_metadata.name(client, language),
        host=_host(client, redirect_uri),
        pages=tuple(_pages(client, language)),
        nobody_vouches=client.registration == Client.Registration.DYNAMIC,
    )


def _host(client: Client, redirect_uri: str) -> str:
    """Where the client runs: an entity at its identifier, another where answers go."""
    first = redirect_uri or next(iter(client.listed("redirect_uris")), "")
    parts = urlsplit(client.client_id if client.chain_path else first)
    return parts.netloc or (f"{parts.scheme}:" if parts.scheme else client.sector)


def _pages(client: Client, language: str) -> list[Page]:
    """Those that are pages of the web; a superior of the client's may have let anything through."""
    found = []
    for member, label in _PAGES:
        uri = client_metadata.page(client, member, language)
        if uri is not None:
            found.append(Page(label, uri, urlsplit(uri).netloc))
    return found
