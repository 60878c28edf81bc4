"""What a gate can decide, and what it hands on: the types of `idp.protocol.gate`.

`Admit`, `Refer` (an officer looks) and `Refuse` are the only decisions. `REFUSED` is the one table from reason to
decision: what is in it refuses, everything else refers, so that a reason added later goes to an officer by itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from idp.protocol.gate_policy import Thresholds
from idp.protocol.keys import PrivateKey
from idp.protocol.refusals import Reason
from idp.protocol.reservations import Entries, Reservation

REFUSED = frozenset(
    {
        Reason.MALFORMED,
        Reason.BAD_SIGNATURE,
        Reason.UNTRUSTED_ISSUER,
        Reason.POLICY_VIOLATION,
        Reason.EXPIRED,
        Reason.NOT_YET_VALID,
        Reason.WRONG_AUDIENCE,
        Reason.WRONG_DIRECTION,
        Reason.REPLAYED,
        Reason.REVOKED,
        Reason.KEY_BINDING_FAILED,
        Reason.FACE_MISMATCH,
    }
)

STATUS_STALE_ADMITTED = "status_stale_admitted"  # the bundle's policy let an old status list pass
STATUS_UNKNOWN_ADMITTED = "status_unknown_admitted"  # the token is younger than the bundle, which has no list for it
TRAVEL_ADVICE = "travel_advice:"  # and the id of a travel rule that advises, and stands in nobody's way


class Ledger(Entries, Protocol):
    """What the gate remembers. Only reading and spending a nonce; admitting is the checkpoint's own transaction.

    Each may raise `Unavailable`, which refers (storage_unavailable). ``jti`` is base64url, as in the JWT form.
    """

    def admitted(self, iss: str, jti: str) -> bool: ...

    def attempts(self, iss: str, jti: str) -> int: ...

    def admitted_subject(self, iss: str, sub: str, since: int) -> bool:
        """Whether this issuer's ``sub`` was let through at ``since`` (seconds since 1970) or later."""

    def spend_nonce(self, nonce: bytes) -> bool:
        """True the first time, False ever after; durable."""

    def last_entry_at(self) -> int:
        """When the last journal entry was made, seconds since 1970; 0 for an empty journal."""


def no_challenge() -> bytes | None:
    """For a lane that shows no challenge."""
    return None


@dataclass(frozen=True)
class Lane:
    """One lane: where it stands and what it holds. ``checkpoint`` is the checkpoint's entity id."""

    checkpoint: str
    lane: str
    direction: str  # "exit" or "entry"
    sealing_keys: tuple[PrivateKey, ...] = field(repr=False)
    watch_key: bytes | None = field(default=None, repr=False)
    challenge: Callable[[], bytes | None] = no_challenge  # the nonce now shown and not yet expired


@dataclass(frozen=True)
class DocumentFacts:
    """What an officer's screen shows of a traveller. Personal data: never in a log, journal or receipt."""

    type: str
    number: str
    name_native: str
    name_latin: str
    birth_date: str
    sex: str
    nationality: str
    endorsement: Mapping[str, Any] | None
    guardian: str | None
    stay_until: str | None = None  # "YYYY-MM-DD", the last day of the stay that begins with this entry


@dataclass(frozen=True)
class VerifiedCrossing:
    """A crossing for which every step held. Times are seconds since 1970; ``jti`` is base64url."""

    iss: str
    jti: str
    sub: str
    checkpoint: str
    lane: str
    direction: str
    origin: str
    destination: str
    acr: str
    amr: tuple[str, ...]
    bundle_serial: int
    status_as_of: int | None  # when the status list was made; None: not known (see marks)
    marks: tuple[str, ...]  # what an officer must be able to find again
    overstay: bool
    rules: tuple[str, ...]  # ids of the travel rules that decided
    document: DocumentFacts = field(repr=False)
    score_band: str  # "low", "middle" or "high"; "" where no face was compared
    reservation: Reservation | None = field(default=None, repr=False)  # the entry that this crossing uses up


@dataclass(frozen=True)
class Reference:
    """The face reference out of the token, for the engine that compares."""

    template: bytes = field(repr=False)
    model: str
    profile: str


@dataclass(frozen=True)
class FaceScore:
    """What a comparison found: ``score`` grows with likeness, in the units of the model's thresholds."""

    score: float
    live: bool | None = None  # None: liveness was not looked at


# Raises Refusal with a face reason, or Unavailable when there is no camera.
FaceComparison = Callable[[Reference], FaceScore]


@dataclass(frozen=True)
class Examined:
    """A presentation for which steps 0 to 9 held: all that is left is the face."""

    banded: Callable[[str], VerifiedCrossing] = field(repr=False)  # the crossing with its score band, once it is known
    reference: Reference
    thresholds: Thresholds | None  # None: the checkpoint does not know the model
    liveness: bool  # whether it must have been found live

    @property
    def crossing(self) -> VerifiedCrossing:
        """The crossing as it stands before a face was compared."""
        return self.banded("")


@dataclass(frozen=True)
class Admit:
    """The traveller may pass, once the checkpoint has durably consumed the token."""

    crossing: VerifiedCrossing


@dataclass(frozen=True)
class _NotAdmitted:
    reason: Reason
    step: int
    detail: str = ""  # for the log; no personal data
    iss: str = ""  # these three only of a token whose signature was verified
    jti: str = ""
    sub: str = ""
    status_as_of: int | None = None
    document: DocumentFacts | None = field(default=None, repr=False)  # once the token was opened
    score_band: str = ""
    also: tuple[Reason, ...] = ()  # what else does not hold, for the officer who decides by hand
    reservation: Reservation | None = field(default=None, repr=False)  # what a release would use up


@dataclass(frozen=True)
class Refer(_NotAdmitted):
    """An officer looks at the traveller."""


@dataclass(frozen=True)
class Refuse(_NotAdmitted):
    """The traveller may not pass with this presentation."""


Decision = Admit | Refer | Refuse
