"""What officers are told, as serializers. Times are seconds since 1970."""

from typing import Any

from rest_framework import serializers

from idp.border import holdings
from idp.border.models import (
    DIRECTIONS,
    Checkpoint,
    CrossingReceipt,
    Discrepancy,
    DuplicateAlert,
    IssuedToken,
    JournalEntry,
    Lane,
    OutgoingReceipt,
)
from idp.protocol import journal, travel_rules


class Session(serializers.Serializer[Any]):
    """Who asks, and what a request that changes something needs in ``X-CSRFToken``."""

    officer = serializers.CharField()
    permissions = serializers.ListField(child=serializers.CharField())
    csrf_token = serializers.CharField()


class Crossing(serializers.ModelSerializer[JournalEntry]):
    """One entry of a lane's journal. ``about`` and ``officers`` are of a decision by hand."""

    checkpoint = serializers.SlugField(source="checkpoint.code")
    lane = serializers.SlugField(source="lane.name")
    decision = serializers.ChoiceField(choices=journal.DECISIONS)

    class Meta:
        model = JournalEntry
        fields = [
            *("checkpoint", "lane", "seq", "at", "direction", "decision", "reason", "score_band", "jti", "issuer"),
            *("subject", "about", "officers", "bundle_serial", "received_at"),
        ]


class Place(serializers.Serializer[Any]):
    """Where an entry stands in the journals."""

    checkpoint = serializers.SlugField()
    lane = serializers.SlugField()
    seq = serializers.IntegerField()
    direction = serializers.CharField()
    at = serializers.IntegerField()


class Alert(serializers.ModelSerializer[DuplicateAlert]):
    """One token that let somebody pass at two places."""

    first = serializers.SerializerMethodField()
    second = serializers.SerializerMethodField()

    class Meta:
        model = DuplicateAlert
        fields = ["id", "issuer", "jti", "first", "second", "raised_at", "resolved_at"]

    def get_first(self, row: DuplicateAlert) -> Place:
        return _place(row, "first")

    def get_second(self, row: DuplicateAlert) -> Place:
        return _place(row, "second")


class DiscrepancyFacts(serializers.ModelSerializer[Discrepancy]):
    """Something that does not add up: a crossing, and ``beside`` it what it goes against."""

    kind = serializers.ChoiceField(choices=Discrepancy.Kind.values)
    beside = serializers.DictField()

    class Meta:
        model = Discrepancy
        fields = [
            *("id", "kind", "authority", "jti", "checkpoint", "direction", "at", "beside"),
            *("raised_at", "resolved_at", "resolved_by"),
        ]


class Token(serializers.ModelSerializer[IssuedToken]):
    """A border token issued here; never its text."""

    traveller = serializers.UUIDField(source="traveller_id")
    document = serializers.UUIDField(source="document_id")
    endorsement = serializers.IntegerField(source="endorsement_id", allow_null=True)
    format = serializers.CharField(source="form")
    state = serializers.ChoiceField(choices=holdings.STATES)
    used_at = serializers.IntegerField(allow_null=True)

    class Meta:
        model = IssuedToken
        fields = [
            *("jti", "traveller", "document", "endorsement", "checkpoint", "authority", "direction", "territory"),
            *("format", "face_model", "issued_at", "expires_at", "state", "used_at", "revoked_at", "revoked_by"),
        ]


class Document(serializers.Serializer[Any]):
    """References to a document and to whom it is linked, by which more can be asked; nothing that is printed on it."""

    document = serializers.UUIDField(source="id")
    traveller = serializers.UUIDField(source="traveller_id", allow_null=True)
    status = serializers.CharField()


class LaneState(serializers.ModelSerializer[Lane]):
    state = serializers.SerializerMethodField()

    class Meta:
        model = Lane
        fields = [
            "name",
            "direction",
            "state",
            "enrolled_at",
            "revoked_at",
            "last_seen",
            "bundle_serial",
            "face_models",
        ]

    def get_state(self, row: Lane) -> str:
        if row.revoked_at is not None:
            return "revoked"
        return "invited" if row.jwk is None else "enrolled"


class CheckpointState(serializers.ModelSerializer[Checkpoint]):
    """A checkpoint with its lanes, and the last bundle that was made for it: older is what a lane names with less."""

    entity_id = serializers.CharField()
    name = serializers.DictField(child=serializers.CharField())
    directions = serializers.ListField(child=serializers.CharField())
    policy = serializers.DictField()
    opening = serializers.ListField()
    face_models = serializers.ListField(child=serializers.CharField())
    bundle_serial = serializers.IntegerField()
    bundle_built_at = serializers.IntegerField(allow_null=True)
    lanes = LaneState(many=True)

    class Meta:
        model = Checkpoint
        fields = [
            *("code", "entity_id", "name", "neighbour", "directions", "active", "policy", "opening", "face_models"),
            *("bundle_serial", "bundle_built_at", "lanes"),
        ]


class OwedReceipt(serializers.ModelSerializer[OutgoingReceipt]):
    """What a peer is still to be told, or was."""

    class Meta:
        model = OutgoingReceipt
        fields = [
            *("recipient", "token_jti", "checkpoint", "lane", "seq", "direction", "at", "attempts"),
            *("next_attempt_at", "delivered_at"),
        ]


class Receipt(serializers.ModelSerializer[CrossingReceipt]):
    """What a peer told us."""

    class Meta:
        model = CrossingReceipt
        fields = ["sender", "token_jti", "receipt_jti", "checkpoint", "direction", "at", "received_at"]


class Rules(serializers.Serializer[Any]):
    """The travel rules in force now and within two days, as gates get them (protocol.md, Trust bundle)."""

    items = serializers.ListField(child=serializers.DictField())


class Finding(serializers.Serializer[Any]):
    """What one rule says; ``asks`` in words, ``why`` where it does not hold."""

    rule = serializers.CharField(source="rule.id")
    outcome = serializers.CharField()
    why = serializers.CharField()
    asks = serializers.SerializerMethodField()
    source = serializers.CharField(source="rule.source")

    def get_asks(self, finding: travel_rules.Finding) -> str:
        return travel_rules.asked(finding.rule)


class Explained(serializers.Serializer[Any]):
    """The verdict on one document in one direction. ``reason`` null: the rules let the traveller through."""

    document = serializers.UUIDField(source="document.id")
    type = serializers.CharField(source="document.type")
    direction = serializers.ChoiceField(choices=DIRECTIONS)
    leg = serializers.ListField(child=serializers.CharField(), help_text="from where, to where")
    reason = serializers.CharField(source="verdict.reason.value", default=None, allow_null=True)
    home = serializers.BooleanField(source="verdict.home")
    overstay = serializers.BooleanField(source="verdict.overstay")
    stay_until = serializers.DateField(source="verdict.stay_until", allow_null=True)
    open = serializers.BooleanField(source="opened", allow_null=True, help_text="null: a peer's hours, not known here")
    findings = Finding(source="verdict.explanation", many=True)


class Explanation(serializers.Serializer[Any]):
    """Rule by rule, for each document and direction."""

    items = Explained(many=True)


class WatchList(serializers.Serializer[Any]):
    """Numbers are never told, only how many there are."""

    size = serializers.IntegerField()


class Changed(serializers.Serializer[Any]):
    """How many living tokens it was done to."""

    tokens = serializers.IntegerField()


def _place(row: DuplicateAlert, which: str) -> Place:
    lane = getattr(row, f"{which}_lane")
    facts = {name: getattr(row, f"{which}_{name}") for name in ("seq", "direction", "at")}
    return Place({"checkpoint": lane.checkpoint.code, "lane": lane.name, **facts}).data  # type: ignore[return-value]
