"""The one family of errors that blames what came from outside.

Every verification in ``idp.protocol`` ends in a verified type or in a `Refusal` whose reason stands in the closed
list of ``docs/protocol.md``. ``detail`` is for the log only and holds no personal data.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why something was not accepted: the closed list, in the order of the gate's steps."""

    MALFORMED = "malformed"
    BAD_SIGNATURE = "bad_signature"
    UNTRUSTED_ISSUER = "untrusted_issuer"
    POLICY_VIOLATION = "policy_violation"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_DIRECTION = "wrong_direction"
    REPLAYED = "replayed"
    ATTEMPTS_EXCEEDED = "attempts_exceeded"
    REVOKED = "revoked"
    STATUS_STALE = "status_stale"
    TRUST_STALE = "trust_stale"
    CLOCK_UNTRUSTED = "clock_untrusted"
    KEY_BINDING_FAILED = "key_binding_failed"
    DOCUMENT_NOT_ELIGIBLE = "document_not_eligible"
    STAY_EXCEEDED = "stay_exceeded"
    CHECKPOINT_CLOSED = "checkpoint_closed"
    GUARDIAN_MISSING = "guardian_missing"
    FACE_UNSEALABLE = "face_unsealable"
    FACE_MODEL_UNSUPPORTED = "face_model_unsupported"
    FACE_NO_FACE = "face_no_face"
    FACE_MANY_FACES = "face_many_faces"
    FACE_LOW_QUALITY = "face_low_quality"
    FACE_NOT_LIVE = "face_not_live"
    FACE_MISMATCH = "face_mismatch"
    FACE_UNCERTAIN = "face_uncertain"
    CAMERA_UNAVAILABLE = "camera_unavailable"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    WATCHLIST = "watchlist"
    NOT_RELEASED = "not_released"
    INTERNAL = "internal"


class Refusal(Exception):
    """What came from outside is not accepted.

    ``step`` is the numbered step of the procedure that refused (for the gate, 0 to 10), or None.
    """

    def __init__(self, reason: Reason, detail: str = "", *, step: int | None = None) -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
        self.step = step


class Unavailable(Exception):
    """The environment (a peer, a disk, a camera) did not answer; nobody is to blame and a retry may succeed."""
