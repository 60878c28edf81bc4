"""Who may ask the officers' interface, and what each of its views says of itself."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.contrib import admin
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from idp.audit import reading
from idp.border import asking, conditions, paging
from idp.border.rim import MAX_BODY, BorderView
from idp.protocol import strict_json

Kinds = Mapping[str, type[Serializer[Any]]]  # by method


class OfficerSession(SessionAuthentication):
    """A session of the admin site, with its second factor verified. A request that is no read needs a CSRF token."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        """The officer, or nobody. Raises PermissionDenied without the CSRF token."""
        asked = request._request
        if not hasattr(asked, "user") or not admin.site.has_permission(asked):
            return None
        self.enforce_csrf(request)
        return asked.user, None


class Permitted(BasePermission):
    """An officer has the permissions that the view names for the method; to be an officer is not enough."""

    def has_permission(self, request: Request, view: Any) -> bool:
        needed = view.permissions.get("GET" if request.method == "HEAD" else request.method, ())
        return request.user is not None and bool(request.user.has_perms(needed))


class OfficerView(BorderView):
    """A view declares who may, what it takes and what it gives; the OpenAPI document is read off the same."""

    authentication_classes = [OfficerSession]
    permission_classes = [Permitted]
    permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    asks: ClassVar[Kinds] = {}  # parameters of the query
    takes: ClassVar[Kinds] = {}  # members of the body
    gives: ClassVar[Kinds] = {}  # facts
    listed = False  # GET answers a page of what it gives
    codes: ClassVar[tuple[str, ...]] = ()  # problems besides those that any view has
    cache = conditions.PERSONAL

    def officer(self, request: Request) -> str:
        """The actor of what this request does."""
        return f"account:{request.user.pk}"

    def asked(self, request: Request) -> dict[str, Any]:
        return asking.parameters(self.asks[self._method(request)], request.query_params)

    def taken(self, request: Request) -> dict[str, Any]:
        value = strict_json.loads_object(self.body(request), max_bytes=MAX_BODY)
        return asking.members(self.takes[self._method(request)], value)

    def facts(self, request: Request, row: Any) -> dict[str, Any]:
        """``row`` as this view gives it."""
        return dict(self.gives[self._method(request)](row).data)

    def answer(self, request: Request, row: Any) -> Response:
        """One row's facts, with their tag."""
        return conditions.answer(request, self.facts(request, row), cache=self.cache)

    def answer_page(self, request: Request, found: paging.Page, **same: object) -> Response:
        """A page's facts, with their tag and the link to the next, which has ``same`` (`paging.envelope`)."""
        value = paging.envelope(request, found, lambda row: self.facts(request, row), **same)
        return conditions.answer(request, value, cache=self.cache, headers=paging.links(value))

    def look(
        self,
        request: Request,
        why: Mapping[str, Any],
        *,
        subject: str,
        what: str,
        kind: reading.Shown,
        whose: Iterable[str] = (),
    ) -> None:
        """Note a look at personal data; belongs into the transaction that reads them (`idp.audit.reading`)."""
        facts = {"actor": self.officer(request), "subject": subject, "what": what, "kinds": [kind], "whose": whose}
        shown = list(self.gives[self._method(request)]().fields)
        reading.note(reason=why["purpose"], case=why.get("case", ""), fields=shown, **facts)

    def _method(self, request: Request) -> str:
        return "GET" if request.method == "HEAD" else str(request.method)
