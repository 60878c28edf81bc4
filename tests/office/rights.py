"""Who may do what at the admin site: every page, every model, every kind of proposal, every act in an emergency.

This table is what the authority means; `idp.accounts.roles` and the pages are held against it, role by role, by
test_rights.py, and docs/rights.md is made of it by ``python -m tests.office.rights_page``. A cell names roles by
letters: T trust officer, B border officer, F biometric officer (faces), A auditor, O operator.

Whoever adds a page, a model, an action, a kind or an act adds its row here: the tests name what is missing.
"""

from collections.abc import Mapping

from idp.accounts.models import Account, Traveller
from idp.audit.models import AuditEvent
from idp.biometrics.models import Calibration, Job
from idp.border.models import Checkpoint, Lane
from idp.federation.models import IssuedMark, Peer, SigningKey
from idp.oidc.models import Client
from idp.proposals.models import Proposal, Review
from tests.office.rights_table import CONSOLE, EVERY, Page, Rights, first, page, rows

_PLACE = {"code": first(Checkpoint, "code")}
_PEER = {"number": first(Peer)}

PAGES: Mapping[str, Page] = {  # by the name of the URL
    "proposals_reviews": page("TBFAO"),
    "proposals_review_decide": page("TBFO", number=first(Review)),
    "office_work": page(EVERY),
    "audit_look": page(EVERY),
    "audit_search": page("A"),
    "audit_event": page("A", number=first(AuditEvent)),
    "audit_proof": page("A", number=first(AuditEvent)),
    "audit_keys": page("A"),
    "audit_export": page("A"),
    "audit_verify": page("A"),
    "office_keys": page("TAO"),
    "office_key": page("TAO", kid=first(SigningKey, "kid")),
    "office_face_keys": page("TAO"),
    "office_rewrap": page("O"),
    "dashboards": page(EVERY),
    "dashboard_crossings": page("BA"),
    "dashboard_crossings_file": page("BA", figure="over-time"),
    "dashboard_decisions": page("BA"),
    "dashboard_decisions_file": page("BA", figure="over-time"),
    "dashboard_faces": page("FA"),
    "dashboard_faces_file": page("FA", figure="endings"),
    "dashboard_issuance": page("BAO"),
    "dashboard_issuance_file": page("BAO", figure="over-time"),
    "dashboard_revocation": page("BAO"),
    "dashboard_revocation_file": page("BAO", figure="delays"),
    "dashboard_federation": page("TAO"),
    "dashboard_federation_file": page("TAO", figure="copies"),
    "traveller_uses": page("BA", traveller_id=first(Traveller)),
    "trust-entity": page("TA"),
    "trust-graph": page("TA"),
    "trust-mark-give": page("T"),
    "trust-mark-take-back": page("T", number=first(IssuedMark)),
    "trust-marks": page("TA"),
    "trust-peer": page("TA", **_PEER),
    "trust-peers": page("TA"),
    "trust-policies": page("TA"),
    "trust-policy": page("T", **_PEER),
    "trust-policy-proposal": page("TA", number=first(Proposal)),
    "trust-recognise": page("T"),
    "trust-accept": page("T", **_PEER),
    "trust-end": page("T", **_PEER),
    "trust-keys": page("T", **_PEER),
    "trust-renew": page("T", **_PEER),
    "trust-resume": page("T", **_PEER),
    "trust-suspend": page("T", **_PEER),
    "trust-terms": page("T", **_PEER),
    "border-watch": page("BAO"),
    "border-lane-enrol": page("B", **_PLACE),
    "border-lane-revoke": page("B", pk=first(Lane)),
    "border-places": page("BAO"),
    "border-place": page("BAO", **_PLACE),
    "border-place-change": page("B", **_PLACE),
    "border-place-close": page("B", **_PLACE),
    "biometrics_job_review": page("F", job_id=first(Job, state=Job.State.REVIEW)),
    "face-thresholds": page("FA"),
    "face-thresholds-again": page("F", number=first(Calibration)),
    "office_key_kill": page("O", kid=first(SigningKey, "kid")),
    "office_key_propose": page("O", kid=first(SigningKey, "kid"), act="rotate"),
    "parties": page("TA"),
    "party": page("TA", number=first(Client)),
    "party-attesters": page("TA"),
    "party-wallets": page("TA"),
    "try-it": page("T"),
    "try-it-begin": page("T"),
    "try-it-end": page("T"),
    "passkey_options": page(EVERY),
    "passkey_complete": page(EVERY),
    "own_passkeys": page(EVERY),
    "officers": page("TA"),
    "officer_new": page("T"),
    "officer": page("TA", pk=first(Account, username="newcomer")),
    "officer_change": page("T", pk=first(Account, username="newcomer")),
    "officer_recover": page("T", pk=first(Account, username="newcomer")),
}

MODELS: Mapping[str, Rights] = {  # what is not named is for nobody
    "accounts.account": rows("BA", change="B"),
    "accounts.failedlogin": rows("TA", forget="T"),
    "accounts.guardianship": rows("BFA", end="B"),
    "accounts.pastlogin": rows("A"),
    "accounts.secondfactor": rows("TA"),
    "accounts.traveldocument": rows("BFA", add="B", change="B"),
    "accounts.traveller": rows("BA"),
    "audit.auditevent": rows("A"),
    "audit.treehead": rows("AO"),
    "biometrics.attempts": rows("FA", reset="F"),
    "biometrics.calibration": rows("FA"),
    "biometrics.facereference": rows("FA"),
    "biometrics.job": rows("FA", retry="F"),
    "border.checkpoint": rows("BAO", add="B"),
    "border.confirmedcrossing": rows("BA"),
    "border.crossingreceipt": rows("BA"),
    "border.discrepancy": rows("BA", resolve_discrepancies="B"),
    "border.duplicatealert": rows("BA", resolve_alerts="B"),
    "border.issuedtoken": rows("BA", revoke_tokens="B", suspend_tokens="B", reinstate_tokens="B"),
    "border.journalentry": rows("BA"),
    "border.lane": rows("BAO", revoke_lanes="B"),
    "border.officerbadge": rows("BA", add="B", take_back="B"),
    "border.outgoingreceipt": rows("BA"),
    "border.ruleversion": rows("BA", add="B"),
    "border.watchlistentry": rows("BA", add="B"),
    "federation.hostedentity": rows("TAO"),
    "federation.issuedmark": rows("TA"),
    "federation.marktype": rows("TA"),
    "federation.peer": rows("TA"),
    "federation.signedhead": rows("TAO"),
    "federation.signingkey": rows("TAO"),
    "federation.statuslist": rows("TAO"),
    "federation.subordinate": rows("TA"),
    "federation.witnessedhead": rows("TA", resolve_contradictions="T"),
    "oidc.client": rows("TA", add="T", change="T", disable="T", enable="T", rotate_secret="T", remove="T"),
    "proposals.proposal": rows("TBFAO", approve="TBFO", reject="TBFO", withdraw="TBFO"),
    "proposals.review": rows("TBFAO"),
}

KINDS: Mapping[str, str] = {  # of proposals: who proposes such a change, and who decides on another's
    "accounts.officer": "T",
    "accounts.role": "T",
    "biometrics.rewrap": "O",
    "biometrics.thresholds": "F",
    "border.checkpoint": "B",
    "border.travel_rule": "B",
    "federation.accept": "T",
    "federation.end": "T",
    "federation.key": "O",
    "federation.keys": "T",
    "federation.mark": "T",
    "federation.recognise": "T",
    "federation.renew": "T",
    "federation.resume": "T",
    "federation.terms": "T",
}

ACTS: Mapping[str, str] = {  # of one officer in an emergency, by the kind of its review: where it is done
    "accounts.factors_taken": "officer_recover",
    "border.checkpoint_closed": "border-place-close",
    "border.lane_revoked": "border-lane-revoke",
    "federation.key_changed_alone": CONSOLE,
    "federation.key_killed": "office_key_kill",
    "federation.mark_taken": "trust-mark-take-back",
    "federation.peer_suspended": "trust-suspend",
}

DJANGO = {  # the site's own: for every officer who is logged in
    *("index", "logout", "password_change", "password_change_done", "autocomplete", "jsi18n", "view_on_site"),
    "app_list",
}
ENTRANCES = {  # for anybody: each looks itself at whoever comes
    *("login", "passkey_login_options", "passkey_login", "enrol", "enrol_options", "enrol_complete"),
}
