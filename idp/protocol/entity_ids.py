"""Entity identifiers: https URLs that are compared exactly and never normalised (Federation §1.2, §16).

Plain http is accepted for ``*.localhost`` only, and only where the caller says so. That question is asked where an
identifier enters (configuration) and where it is fetched (`idp.outbound`); inside a signed statement only the syntax is
checked, because nothing is fetched from there and no such name can be an anchor unless configuration let it in.
"""

import re

from idp.protocol.refusals import Reason, Refusal

MAX_LENGTH = 1024  # our longest (node + checkpoint code) has 60; RFC 9110 §4.1 asks servers for 8,000 at most
WELL_KNOWN = "/.well-known/openid-federation"

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*"
_PATH = r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*"
_ENTITY_ID = re.compile(rf"(https|http)://({_HOST})(?::([1-9][0-9]{{0,4}}))?({_PATH})\Z")
_NUMERIC_HOST = re.compile(r"(?:[0-9]+|0[xX][0-9A-Fa-f]*)\Z")  # the last label of what a URL parser reads as IPv4


def check_entity_id(value: object, *, allow_loopback_http: bool = False) -> str:
    """``value`` if it is an entity identifier, unchanged; raises `Refusal` (malformed).

    https, host, optional port and path; no query, fragment, user information, dot segment or character outside ASCII.
    ``allow_loopback_http`` lets http pass for hosts under ``.localhost`` (local trials). Federation §1.2.
    """
    scheme, host, port, path = _split(value)
    if scheme == "http" and not (allow_loopback_http and host.lower().endswith(".localhost")):
        raise Refusal(Reason.MALFORMED, "an entity identifier that is not https")
    if port and int(port) > 65_535:
        raise Refusal(Reason.MALFORMED, "an entity identifier with no such port")
    if any(segment in (".", "..") for segment in path.lower().replace("%2e", ".").split("/")):
        raise Refusal(Reason.MALFORMED, "an entity identifier with dot segments")
    return str(value)


def host_of(entity_id: str) -> str:
    """The host of an entity identifier, in lower case: what naming constraints speak of (Federation §6.2.2)."""
    return _split(entity_id)[1].lower()


def is_domain_name(host: str) -> bool:
    """False for an IPv4 address in any spelling that a URL parser would take for one."""
    return not _NUMERIC_HOST.match(host.rsplit(".", 1)[-1])


def configuration_url(entity_id: str) -> str:
    """Where an entity publishes its configuration: one trailing slash off, the suffix after the path (§9)."""
    return entity_id.removesuffix("/") + WELL_KNOWN


def _split(value: object) -> tuple[str, str, str, str]:
    if not isinstance(value, str) or len(value) > MAX_LENGTH:
        raise Refusal(Reason.MALFORMED, f"an entity identifier is a string of at most {MAX_LENGTH} characters")
    match = _ENTITY_ID.match(value)
    if match is None:
        raise Refusal(Reason.MALFORMED, "not an entity identifier")
    scheme, host, port, path = match.groups(default="")
    return scheme, host, port, path
