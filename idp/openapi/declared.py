"""The description of a view that declares what it takes and gives (`idp.border.officers.base.OfficerView`)."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

from idp.border.conditions import SHARED
from idp.openapi.terms import JSON, Object, answer, body, header, in_path, pages, problems

_ANY = ("invalid_request", "forbidden", "method_not_allowed", "temporarily_unavailable")
_LINK = {"Link": "the next page, with rel=next (RFC 8288)"}


class Declared(AutoSchema):
    """One operation, from the serializers that its view names; drf-spectacular turns those into schemas."""

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any) -> Object:
        """The operation object. Called by the generator, and by nobody else."""
        self.registry, self.path, self.path_regex, self.path_prefix, self.method = (
            *(registry, path, path_regex, path_prefix),
            method.upper(),
        )
        view: Any = self.view
        changes = self.method != "GET"
        found: Object = {
            "operationId": f"officers_{_snake(type(view).__name__)}",
            "summary": " ".join((type(view).__doc__ or "").split()),
            "tags": ["officers"],
            "security": [{"officerSession": [], **({"csrfToken": []} if changes else {})}],
            "parameters": self._declared_parameters(),
            "responses": {**self._granted(), **problems(*_ANY, *(("too_large",) if changes else ()), *view.codes)},
        }
        if self.method in view.takes:
            found["requestBody"] = body(self._schema(view.takes[self.method], "request"), JSON)
        return found

    def _declared_parameters(self) -> list[Object]:
        view: Any = self.view
        found = [self._of_path(each) for each in self._resolve_path_parameters(self._variables())]
        for name, field in (view.asks[self.method]().fields if self.method in view.asks else {}).items():
            schema = self._map_serializer_field(field, "request")
            found.append({"name": name, "in": "query", "required": field.required, "schema": schema})
        if "precondition_failed" in view.codes:
            found.append({**header("If-Match"), "required": True})
        return [*found, header("If-None-Match")] if self.method == "GET" else found

    def _variables(self) -> list[str]:
        return [part.split("}")[0] for part in self.path.split("{")[1:]]

    def _of_path(self, described: Object) -> Object:
        return {**in_path(described["name"]), "schema": described["schema"]}

    def _granted(self) -> Object:
        view: Any = self.view
        one = self._schema(view.gives[self.method], "response")
        if view.listed:
            return {"200": answer("A page", (JSON, pages(one)), headers=_LINK), "304": answer("Unchanged")}
        kept = "May be kept and asked for again" if view.cache == SHARED else "Not to be kept"
        granted = {"200": answer(kept, (JSON, one))}
        return {**granted, "304": answer("Unchanged")} if self.method == "GET" else granted

    def _schema(self, kind: Any, direction: str) -> Object:
        found: Object = self.resolve_serializer(kind, direction).ref
        return found


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
