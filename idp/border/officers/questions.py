"""What officers ask by: parameters and members, as serializers."""

from typing import Any

from django.core.validators import MaxValueValidator
from rest_framework import serializers

from idp.accounts.models import TravelDocument
from idp.audit import reading
from idp.border import revocation
from idp.border.asking import Paged, Seconds
from idp.border.models import DIRECTIONS, JURISDICTIONS, Discrepancy
from idp.protocol import journal

LAST = 253_370_736_000  # 9999-01-01
MAX_ID = 128  # characters; protocol.journal
CASE = r"^[A-Za-z0-9][A-Za-z0-9./_-]{0,63}$"  # `idp.audit.reading`


class Moment(Seconds):
    """A time that has a day; the rules are asked of days."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.append(MaxValueValidator(LAST))


class Nothing(serializers.Serializer[Any]):
    """No parameters."""


class Why(serializers.Serializer[Any]):
    """To what end somebody looks at personal data, which the audit keeps."""

    purpose = serializers.ChoiceField(choices=reading.WITHOUT_WORDS)
    case = serializers.RegexField(CASE, required=False, help_text="a file number; an investigation needs one")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """An investigation has a file number."""
        if reading.fault(reason=attrs["purpose"], case=attrs.get("case", "")):
            raise serializers.ValidationError({"case": "an investigation without its file number"})
        return attrs


class Span(Paged):
    """A page of what was at a time: from ``since`` on, before ``until``."""

    since = Seconds(required=False)
    until = Seconds(required=False)


class Crossings(Span, Why):
    """Without ``since`` those of the last day, or of the last month where one token or one traveller is asked for."""

    checkpoint = serializers.SlugField(max_length=20, required=False, help_text="its code")
    lane = serializers.SlugField(max_length=20, required=False)
    direction = serializers.ChoiceField(choices=DIRECTIONS, required=False)
    decision = serializers.ChoiceField(choices=journal.DECISIONS, required=False)
    reason = serializers.RegexField(r"^[a-z_]{1,32}$", required=False, help_text="the gate's, or the officer's ground")
    jti = serializers.CharField(max_length=MAX_ID, required=False)
    subject = serializers.CharField(max_length=MAX_ID, required=False, help_text="the issuer's name for a traveller")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A lane's name is its checkpoint's alone."""
        if "lane" in attrs and "checkpoint" not in attrs:
            raise serializers.ValidationError("a lane without its checkpoint")
        return super().validate(attrs)


class Alerts(Span):
    state = serializers.ChoiceField(choices=("open", "resolved"), required=False)


class Discrepancies(Alerts):
    kind = serializers.ChoiceField(choices=Discrepancy.Kind.values, required=False)


class Receipts(Span):
    direction = serializers.ChoiceField(choices=DIRECTIONS, required=False)


class OwedReceipts(Receipts):
    state = serializers.ChoiceField(choices=("waiting", "delivered"), required=False)


class Tokens(Paged, Why):
    """Exactly one of ``document`` and ``traveller``."""

    document = serializers.UUIDField(required=False)
    traveller = serializers.UUIDField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("document" in attrs) == ("traveller" in attrs):
            raise serializers.ValidationError("one of document and traveller")
        return super().validate(attrs)


class Revocation(serializers.Serializer[Any]):
    """What is done to the living tokens of what: ``which`` is its identifier here, never a number of a document."""

    act = serializers.ChoiceField(choices=tuple(revocation.ACTS))
    what = serializers.ChoiceField(choices=tuple(revocation.WHICH))
    which = serializers.CharField(max_length=255)


class RulesQuestion(Why):
    """Of which traveller at which checkpoint the rules are asked; without ``at``, now."""

    traveller = serializers.UUIDField()
    checkpoint = serializers.CharField(max_length=255, help_text="the code of one of ours, or an entity identifier")
    at = Moment(required=False)
    directions = serializers.MultipleChoiceField(choices=DIRECTIONS, default=())
    document = serializers.CharField(max_length=64, default="", help_text="a reference or a type; else all valid ones")


class DocumentNumber(Why):
    """A document by the whole of its number; there is no search by a part of one, nor by name."""

    issued_by = serializers.ChoiceField(choices=JURISDICTIONS)
    type = serializers.ChoiceField(choices=TravelDocument.Type.values)
    number = serializers.CharField(max_length=32)
