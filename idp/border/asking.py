"""What a request asks for, read strictly by serializers: a name that is unknown or comes twice is an error."""

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from idp.border.paging import LIMIT, MAX_CURSOR, MAX_LIMIT
from idp.problems import Problem

HIGHEST = 2**53 - 1  # of integers here; protocol.md, Common rules


class Seconds(serializers.IntegerField):
    """A time, in seconds since 1970."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=HIGHEST, **kwargs)


class Paged(serializers.Serializer[Any]):
    """Which page of a list."""

    after = serializers.CharField(max_length=MAX_CURSOR, default="", help_text="as `next` of the page before has it")
    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=LIMIT)


def parameters(kind: type[serializers.Serializer[Any]], query: QueryDict) -> dict[str, Any]:
    """The query's parameters as ``kind`` has them; raises `Problem` (invalid_request) with the ``fields`` at fault."""
    twice = [name for name, values in query.lists() if len(values) > 1]
    return _read(kind, query.dict(), twice)


def members(kind: type[serializers.Serializer[Any]], value: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON body's members as ``kind`` has them; raises like `parameters`."""
    return _read(kind, value, [])


def _read(kind: type[serializers.Serializer[Any]], value: Mapping[str, Any], wrong: list[str]) -> dict[str, Any]:
    read = kind(data=value)
    unknown = value.keys() - read.fields.keys()
    if not read.is_valid() or unknown or wrong:
        # Only names of ours go out and into the log: an unknown one, or a value, may be anything.
        fields = sorted({*read.errors, *wrong} & {*read.fields, "non_field_errors"})
        raise Problem("invalid_request", f"{fields}, {len(unknown)} unknown", fields=fields)
    return dict(read.validated_data)
