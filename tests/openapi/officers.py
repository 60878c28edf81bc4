"""Sound requests of an officer, for each operation that officers' views declare."""

from typing import Any

from django.test import Client

from tests.border.officers.desk import WHY, Desk, ask, chief
from tests.openapi.driving import Sound


class Officer:
    """The chief at a desk, as a client of the interface: cookies and the CSRF token in headers."""

    def __init__(self, border: Any) -> None:
        self.desk = Desk(border)
        self.client: Client = chief()
        token = ask(self.client, "/session").json()["csrf_token"]
        self.cookies = {name: morsel.value for name, morsel in self.client.cookies.items()}
        self.headers = {"X-CSRFToken": token}

    def request(self, name: str) -> Sound:
        """For the operation ``name``; those that are not named here take nothing."""
        lane: dict[str, str] = {"checkpoint": "lo-wu", "lane": "1", "seq": "1"}
        alert, jti = {"number": str(self.desk.alert.pk)}, {"jti": self.desk.token.jti}
        whole: dict[str, dict[str, Any]] = {
            "officers_checkpoint": {"path": {"code": "lo-wu"}},
            "officers_crossings": {"query": dict(WHY)},
            "officers_crossing": {"path": lane, "query": dict(WHY)},
            "officers_alert": {"path": alert},
            "officers_resolve_alert": {"path": alert, "headers": {"If-Match": "*"}},
            "officers_discrepancy": {"path": {"number": str(self.desk.discrepancy.pk)}},
            "officers_resolve_discrepancy": {
                "path": {"number": str(self.desk.discrepancy.pk)},
                "headers": {"If-Match": "*"},
            },
            "officers_search_documents": {"body": {**self.desk.number, **WHY}},
            "officers_tokens": {"query": {**WHY, "document": str(self.desk.world.document.pk)}},
            "officers_token": {"path": jti, "query": dict(WHY)},
            "officers_explanations": {"body": {**self.desk.question, **WHY}},
            "officers_revocations": {"body": {"act": "revoke", "what": "token", "which": self.desk.token.jti}},
        }
        found = whole.get(name, {})
        return Sound(cookies=self.cookies, **{**found, "headers": {**self.headers, **found.get("headers", {})}})
