"""A decision becomes a verdict when it is written down: the token is consumed by an Admit, an attempt counted else."""

import logging
from dataclasses import dataclass
from typing import Any

from idp.checkpoint.config import LaneConfig
from idp.checkpoint.store import AlreadyAdmitted, EntryUsed, Store
from idp.protocol import journal
from idp.protocol.gate_decisions import Admit, Decision, Refer, Refuse
from idp.protocol.refusals import Reason, Unavailable
from idp.protocol.trust_bundle import TrustBundle

log = logging.getLogger(__name__)


_BY_HAND = {"release": "admit", "decline": "refuse"}  # what the traveller sees of it


@dataclass(frozen=True)
class Circumstances:
    """Under what a decision fell: the bundle that was believed, and what the officers' log says of it."""

    bundle: TrustBundle | None
    gate_ms: float  # steps 0 to 9
    face_ms: float | None = None  # step 10; None where no face was looked at
    score: float | None = None


@dataclass(frozen=True)
class Verdict:
    """A decision as it was recorded. ``score`` is for the officers' log and for nobody's screen."""

    decision: Decision
    seq: int  # of the journal entry; 0 where the journal could not be written
    gate_ms: float
    face_ms: float | None
    score: float | None = None
    bundle_age: int | None = None
    hand: str = ""  # "release" or "decline" where officers decided about it, in the entry ``seq``

    @property
    def word(self) -> str:
        """admit, refer or refuse."""
        return _BY_HAND.get(self.hand) or type(self.decision).__name__.lower()

    @property
    def reason(self) -> Reason | None:
        """Why not; None for an Admit."""
        return None if isinstance(self.decision, Admit) else self.decision.reason


def record(
    decision: Decision,
    circumstances: Circumstances,
    *,
    config: LaneConfig,
    store: Store,
    now: int,
    timed: bool = True,
) -> Verdict:
    """Write ``decision`` down, in one entry. Never raises: an Admit that cannot be written is a referral.

    Not ``timed`` where two authorities share a gate: by a time one could learn why the other did not release.
    """
    seq, time = 0, took(circumstances) if timed else {}
    for _ in range(3):  # an Admit that came second is refused; a refusal that cannot be written is a bare referral
        try:
            seq = _write(decision, {**fields(decision, circumstances.bundle, config, now), **time}, store)
            break
        except Exception as error:
            decision = instead(decision, error)
            if isinstance(error, Unavailable):
                break
    return verdict(decision, circumstances, seq=seq, now=now)


def verdict(decision: Decision, circumstances: Circumstances, *, seq: int, now: int) -> Verdict:
    """``decision`` as it was recorded in the entry ``seq``."""
    bundle = circumstances.bundle
    return Verdict(
        decision,
        seq,
        circumstances.gate_ms,
        circumstances.face_ms,
        circumstances.score,
        None if bundle is None else max(0, now - bundle.issued_at),
    )


def instead(decision: Decision, error: Exception) -> Refer | Refuse:
    """What is decided where ``decision`` could not be written because of ``error``, about the same token.

    Its subject is left out where an entry could not hold it.
    """
    kind: type[Refer] | type[Refuse] = Refer
    reason, detail = Reason.INTERNAL, type(error).__name__
    if isinstance(error, AlreadyAdmitted):
        kind, reason, detail = Refuse, Reason.REPLAYED, ""
    elif isinstance(error, EntryUsed):
        reason, detail = Reason.DOCUMENT_NOT_ELIGIBLE, ""
    elif isinstance(error, Unavailable):
        log.error("a decision could not be recorded: %s", error)
        reason, detail = Reason.STORAGE_UNAVAILABLE, ""
    else:  # a content that no entry can hold, a damaged journal: an officer looks
        log.error("a decision could not be recorded", exc_info=error)
    about = decision.crossing if isinstance(decision, Admit) else decision
    return kind(
        reason,
        7,
        detail,
        iss=about.iss,
        jti=about.jti,
        sub="" if reason is Reason.INTERNAL else about.sub,
        document=about.document,
        reservation=about.reservation,
    )


def _write(decision: Decision, written: dict[str, Any], store: Store) -> int:
    if isinstance(decision, Admit):
        return store.admit(written, decision.crossing.reservation).seq
    return store.note(written).seq


def took(circumstances: Circumstances) -> dict[str, int]:
    """How long the machine needed, for the journal: its steps, and not the traveller's way to the camera."""
    needed = round(circumstances.gate_ms + (circumstances.face_ms or 0))
    return {"took_ms": min(max(1, needed), journal.MAX_TOOK_MS)}


def fields(decision: Decision, bundle: TrustBundle | None, config: LaneConfig, now: int) -> dict[str, Any]:
    """The members of the journal entry that are this module's to choose."""
    about = decision.crossing if isinstance(decision, Admit) else decision
    return {
        "checkpoint": config.checkpoint,
        "lane": config.lane,
        "at": now,
        "jti": about.jti,
        "iss": about.iss,
        "sub": about.sub,
        "direction": config.direction,
        "decision": type(decision).__name__.lower(),
        "reason": "" if isinstance(decision, Admit) else decision.reason.value,
        "score_band": about.score_band,
        "bundle_serial": bundle.serial if bundle is not None else 0,
    }
