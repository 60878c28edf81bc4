"""Roles of officers, and the one table of what each may do at the admin site and in the officers' interface.

A permission is "app.codename" as Django names it. An officer has the permissions of all roles held
(`idp.accounts.role_backend`); who holds which is told by `idp.accounts.granting`. The table is plain text, so that it
can name the permissions of rooms above this one; tests/office holds it against what the pages ask for.
"""

from collections.abc import Mapping

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What an officer is there for. One person may hold several."""

    TRUST = "trust_officer", _("trust officer")
    BORDER = "border_officer", _("border officer")
    BIOMETRIC = "biometric_officer", _("biometric officer")
    AUDITOR = "auditor", _("auditor")
    OPERATOR = "operator", _("operator")


DUTIES = {  # in words, for the officers' page
    Role.TRUST: _(
        "Peers, the terms of their recognition, trust marks, statements about subordinates, relying parties; officers "
        "and their roles."
    ),
    Role.BORDER: _(
        "Checkpoints, lanes, crossings and alerts, revocation of border tokens, the watch list, travel rules, travel "
        "documents and travellers' accounts."
    ),
    Role.BIOMETRIC: _("Face jobs, failed comparisons, decisions about faces, thresholds of the face models."),
    Role.AUDITOR: _("Reads everything. Changes nothing, decides nothing."),
    Role.OPERATOR: _("Signing keys, the health of lanes, what is left to do by machine. Sees no personal data."),
}

DECIDE = "proposals.decide_proposal"
APPOINT = "accounts.change_rolegrant"  # to propose roles for officers, and to decide on such proposals


def _may(app: str, verbs: str, *models: str) -> frozenset[str]:
    return frozenset(f"{app}.{verb}_{model}" for verb in verbs.split() for model in models)


_PROPOSALS = _may("proposals", "view decide", "proposal", "review")

PERMISSIONS: Mapping[Role, frozenset[str]] = {
    Role.TRUST: frozenset().union(
        _PROPOSALS,
        _may("federation", "view add change", "peer", "marktype", "issuedmark", "subordinate"),
        _may("federation", "view", "hostedentity", "signingkey", "statuslist", "signedhead", "witnessedhead"),
        _may("federation", "change", "witnessedhead"),
        _may("oidc", "view add change delete", "client"),
        _may("accounts", "view change", "rolegrant"),
        _may("accounts", "view", "secondfactor", "failedlogin"),
        _may("accounts", "delete", "failedlogin"),
    ),
    Role.BORDER: frozenset().union(
        _PROPOSALS,
        _may("border", "view add change", "checkpoint", "lane", "officerbadge", "watchlistentry"),
        _may("border", "view change", "issuedtoken", "duplicatealert", "discrepancy"),
        _may("border", "view add", "ruleversion"),
        _may(
            "border", "view", "journalentry", "crossinghour", "confirmedcrossing", "crossingreceipt", "outgoingreceipt"
        ),
        _may("border", "view", "issuancehour", "revocationdelayhour"),
        _may("border", "delete", "watchlistentry"),
        _may("accounts", "view add change", "traveldocument", "endorsement", "registeredguardian"),
        _may("accounts", "delete", "registeredguardian"),
        _may("accounts", "view change", "account", "device", "guardianship"),
        _may("accounts", "view", "traveller", "passkey"),
    ),
    Role.BIOMETRIC: frozenset().union(
        _PROPOSALS,
        _may("biometrics", "view change review", "job"),
        _may("biometrics", "view change", "attempts"),
        _may("biometrics", "view add change", "calibration"),
        _may("biometrics", "view", "facereference"),
        _may("accounts", "view", "traveldocument", "guardianship"),
    ),
    Role.AUDITOR: frozenset().union(
        _may("proposals", "view", "proposal", "review"),
        _may("audit", "view", "auditevent", "treehead"),
        _may("accounts", "view", "account", "traveller", "traveldocument", "endorsement", "registeredguardian"),
        _may("accounts", "view", "passkey", "device", "guardianship", "rolegrant"),
        _may("federation", "view", "peer", "marktype", "issuedmark", "subordinate", "hostedentity", "signingkey"),
        _may("federation", "view", "statuslist", "signedhead", "witnessedhead"),
        _may("oidc", "view", "client"),
        _may("biometrics", "view", "job", "attempts", "calibration", "facereference"),
        _may("border", "view", "checkpoint", "lane", "officerbadge", "watchlistentry", "issuedtoken", "duplicatealert"),
        _may("border", "view", "discrepancy", "ruleversion", "journalentry", "confirmedcrossing", "crossingreceipt"),
        _may("border", "view", "outgoingreceipt", "crossinghour", "issuancehour", "revocationdelayhour"),
        _may("accounts", "view", "secondfactor", "failedlogin", "pastlogin"),
    ),
    Role.OPERATOR: frozenset().union(
        _PROPOSALS,
        _may("federation", "view change", "signingkey"),
        _may("federation", "view", "statuslist", "hostedentity", "signedhead"),
        _may("border", "view", "checkpoint", "lane", "issuancehour", "revocationdelayhour"),
        _may("audit", "view", "treehead"),
    ),
}


def with_permission(permission: str) -> frozenset[Role]:
    """The roles that have it."""
    return frozenset(role for role, held in PERMISSIONS.items() if permission in held)
