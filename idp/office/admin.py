"""The office's pages, which the admin site asks for by this module."""

from idp.office import work_pages
from idp.office.auditing import export_pages as audit_export_pages
from idp.office.auditing import pages as audit_pages
from idp.office.auditing import verify_pages as audit_verify_pages
from idp.office.dashboards import pages as dashboard_pages
from idp.office.keys import acting as key_acting
from idp.office.keys import face_pages
from idp.office.keys import pages as key_pages
from idp.office.trust import entity_page, graph_page, policy_pages

__all__ = [
    "audit_export_pages",
    "audit_pages",
    "audit_verify_pages",
    "dashboard_pages",
    "entity_page",
    "face_pages",
    "graph_page",
    "key_acting",
    "key_pages",
    "policy_pages",
    "work_pages",
]  # each registers what it shows
