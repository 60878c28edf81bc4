"""System checks of the configuration: what is unsafe or cannot work is said at the start, by id."""

import re
import stat
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks

from idp import conf
from idp.conf import Authority

JURISDICTIONS = ("CHN", "HKG", "MAC")
CONTACT = re.compile(r"[^\s@,'\"<>]+@[^\s@,'\"<>]+|https://[^\s,'\"<>]+")


def register() -> None:
    """Register the checks with Django."""
    checks.register(check_configuration, checks.Tags.security)
    checks.register(check_key_directory, checks.Tags.security, deploy=True)


def check_configuration(app_configs: Sequence[Any] | None = None, **options: Any) -> list[checks.CheckMessage]:
    """idp.E101 to idp.E105, idp.E120, idp.E121: the authority as it is configured."""
    authority = conf.authority()
    return [*_entity_id(authority), *_rest(authority)]


def check_key_directory(app_configs: Sequence[Any] | None = None, **options: Any) -> list[checks.CheckMessage]:
    """idp.W101: the key directory is readable by others."""
    directory = conf.authority().key_dir
    if directory.is_dir() and directory.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return [checks.Warning("The key directory is open to other users.", hint="chmod 700", id="idp.W101")]
    return []


def _entity_id(authority: Authority) -> Iterator[checks.CheckMessage]:
    if authority.insecure_loopback_http and not authority.debug:
        yield checks.Error("INSECURE_LOOPBACK_HTTP is for DEBUG only.", hint="Take it away.", id="idp.E101")
    yield from faults_of_entity_id(authority.entity_id, insecure_loopback_http=authority.insecure_loopback_http)


def faults_of_entity_id(entity_id: str, *, insecure_loopback_http: bool) -> Iterator[checks.CheckMessage]:
    """idp.E102, idp.E103: what is wrong with ``entity_id`` as the identifier and public base URL of a node."""
    try:
        parts = urlsplit(entity_id)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        yield checks.Error("CAUSEWAY_ENTITY_ID is not a URL.", hint="As in https://idp.hk.example", id="idp.E102")
        return
    loopback = insecure_loopback_http and parts.scheme == "http" and host.endswith(".localhost")
    if not host or not (parts.scheme == "https" or loopback):
        yield checks.Error(
            "CAUSEWAY_ENTITY_ID must be an https URL.",
            hint="http://*.localhost is possible with DEBUG and INSECURE_LOOPBACK_HTTP.",
            id="idp.E102",
        )
    if _ornate(entity_id) or parts.netloc != parts.netloc.lower():
        yield checks.Error(
            "CAUSEWAY_ENTITY_ID must be scheme, lower-case host and port, with no user, path, query or fragment,"
            " and no slash at its end.",
            hint="It is compared character by character, and paths are appended to it.",
            id="idp.E103",
        )


def _ornate(url: str) -> bool:
    parts = urlsplit(url)
    return "@" in parts.netloc or url != f"{parts.scheme}://{parts.netloc}"


def _rest(authority: Authority) -> Iterator[checks.CheckMessage]:
    if authority.jurisdiction not in JURISDICTIONS:
        text = f"CAUSEWAY_JURISDICTION must be one of {', '.join(JURISDICTIONS)}."
        yield checks.Error(text, hint="It says whose documents this authority issues.", id="idp.E104")
    name: Any = authority.name
    if not isinstance(name, dict) or not name or not all(isinstance(part, str) and part for part in _flat(name)):
        text = "CAUSEWAY_NAME must be a JSON object from language tag to name."
        yield checks.Error(text, hint='As in {"en": "Border authority"}', id="idp.E105")
    if not all(CONTACT.fullmatch(contact) for contact in authority.contacts):
        text = "CAUSEWAY_CONTACTS must be e-mail addresses or https URLs."
        yield checks.Error(text, hint="Separated by commas.", id="idp.E120")
    if settings.LANGUAGE_CODE not in dict(settings.LANGUAGES):
        text = f"CAUSEWAY_LANGUAGE must be one of {', '.join(dict(settings.LANGUAGES))}."
        yield checks.Error(text, hint="It is for those whose browser asks for no other.", id="idp.E121")


def _flat(name: dict[Any, Any]) -> list[Any]:
    return [*name.keys(), *name.values()]
