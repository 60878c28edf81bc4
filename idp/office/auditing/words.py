"""What the audit's kinds and facts are called in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from idp.accounts.roles import Role
from idp.audit import reading
from idp.audit.reading import Reason, Shown

KINDS = {
    reading.KIND: _("Personal data were looked at"),
    "audit.exported": _("A part of the audit was exported"),
    "audit.verification_asked": _("Verification of the audit was asked for"),
    "audit.verified": _("The audit was verified"),
    "accounts.logged_in": _("Login of a traveller"),
    "accounts.officer_logged_in": _("Login of an officer"),
    "accounts.registered": _("A traveller registered"),
    "accounts.role_granted": _("A role was given"),
    "accounts.role_ended": _("A role was taken away"),
    "admin.changed": _("Something was changed at the admin site"),
    "admin.added": _("Something was added at the admin site"),
    "border_token.issued": _("A border token was issued"),
    "border_token.revoked": _("A border token was revoked"),
    "crossing.confirmed": _("A crossing was confirmed"),
    "crossing.duplicate": _("A token passed twice"),
    "journal.recorded": _("A lane handed in its journal"),
    "lane.enrolled": _("A lane was enrolled"),
    "lane.revoked": _("A lane was revoked"),
    "oidc.consent_given": _("A traveller allowed an application something"),
    "oidc.token_issued": _("A token was issued to an application"),
    "face_review.seen": _("Pictures of a face were looked at"),
}
NAMES = {
    "reason": _("reason"),
    "case": _("file number"),
    "what": _("part"),
    "kinds": _("kinds of data"),
    "fields": _("fields"),
    "roles": _("roles of the officer"),
    "role": _("role"),
    "officers": _("officers"),
    "client": _("application"),
    "claims": _("claims"),
    "events": _("events"),
}
_VALUES: Mapping[str, Mapping[str, Any]] = {
    "reason": {reason.value: reason.label for reason in Reason},
    "kinds": {kind.value: kind.label for kind in Shown},
    "roles": {role.value: role.label for role in Role},
    "role": {role.value: role.label for role in Role},
}


def kind(name: str) -> Any:
    """The kind in words; its own name without the dots where it has none."""
    return KINDS.get(name) or name.replace(".", ": ").replace("_", " ")


def facts(data: Mapping[str, Any]) -> Iterator[tuple[Any, str]]:
    """Each fact of an event as a name and a text."""
    for name, value in data.items():
        yield NAMES.get(name) or name.replace("_", " "), _text(name, value)


def _text(name: str, value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_text(name, item) for item in value)
    if isinstance(value, dict):
        return "; ".join(f"{inner}: {_text(inner, item)}" for inner, item in value.items())
    return str(_VALUES.get(name, {}).get(value, value)) if isinstance(value, str) else str(value)
