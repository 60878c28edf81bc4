"""System checks of the configuration: what is unsafe or cannot work is said at the start, by id."""

import stat
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.core import checks

from idp import conf
from idp.conf import Authority

JURISDICTIONS = ("CHN", "HKG", "MAC")


def register() -> None:
    """Register the checks with Django."""
    checks.register(check_configuration, checks.Tags.security)
    checks.register(check_key_directory, checks.Tags.security, deploy=True)


def check_configuration(app_configs: Sequence[Any] | None = None, **options: Any) -> list[checks.CheckMessage]:
    """idp.E101 to idp.E105: the authority as it is configured."""
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
        yield checks.Error("INSECURE_LOOPBACK_HTTP is for DEBUG only.", id="idp.E101")
    try:
        parts = urlsplit(authority.entity_id)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        yield checks.Error("CAUSEWAY_ENTITY_ID is not a URL.", id="idp.E102")
        return
    loopback = authority.insecure_loopback_http and parts.scheme == "http" and host.endswith(".localhost")
    if not host or not (parts.scheme == "https" or loopback):
        yield checks.Error(
            "CAUSEWAY_ENTITY_ID must be an https URL.",
            hint="http://*.localhost is possible with DEBUG and INSECURE_LOOPBACK_HTTP.",
            id="idp.E102",
        )
    if _ornate(authority.entity_id) or parts.netloc != parts.netloc.lower():
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
        yield checks.Error(f"CAUSEWAY_JURISDICTION must be one of {', '.join(JURISDICTIONS)}.", id="idp.E104")
    name: Any = authority.name
    if not isinstance(name, dict) or not name or not all(isinstance(part, str) and part for part in _flat(name)):
        yield checks.Error("CAUSEWAY_NAME must be a JSON object from language tag to name.", id="idp.E105")


def _flat(name: dict[Any, Any]) -> list[Any]:
    return [*name.keys(), *name.values()]
