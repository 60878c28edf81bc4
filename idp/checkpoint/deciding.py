"""A decision becomes a verdict when it is written down: the token is consumed by an Admit, an attempt counted else."""

import logging
from dataclasses import dataclass
from typing import Any

from idp.checkpoint.config import LaneConfig
from idp.checkpoint.store import AlreadyAdmitted, EntryUsed, Store
from idp.protocol.gate_decisions import Admit, Decision, Refer, Refuse
from idp.protocol.refusals import Reason, Unavailable
from idp.protocol.trust_bundle import TrustBundle

log = logging.getLogger(__name__)


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

    @property
    def word(self) -> str:
        """admit, refer or refuse."""
        return type(self.decision).__name__.lower()

    @property
    def reason(self) -> Reason | None:
        """Why not; None for an Admit."""
        return None if isinstance(self.decision, Admit) else self.decision.reason


def record(decision: Decision, circumstances: Circumstances, *, config: LaneConfig, store: Store, now: int) -> Verdict:
    """Write ``decision`` down, in one entry. Never raises: an Admit that cannot be written is a referral."""
    bundle = circumstances.bundle
    seq = 0
    for _ in range(3):  # an Admit that came second is refused; a refusal that cannot be written is a bare referral
        try:
            fields = _fields(decision, bundle, config, now)
            if isinstance(decision, Admit):
                seq = store.admit(fields, decision.crossing.reservation).seq
            else:
                seq = store.note(fields).seq
            break
        except AlreadyAdmitted:
            decision = _instead(decision, Refuse, Reason.REPLAYED)
        except EntryUsed:
            decision = _instead(decision, Refer, Reason.DOCUMENT_NOT_ELIGIBLE)
        except Unavailable as error:
            log.error("a decision could not be recorded: %s", error)  # noqa: TRY400  the trace says nothing more
            decision = _instead(decision, Refer, Reason.STORAGE_UNAVAILABLE)
            break
        except Exception as error:  # a content that no entry can hold, a damaged journal: an officer looks
            log.exception("a decision could not be recorded")
            decision = _instead(decision, Refer, Reason.INTERNAL, detail=type(error).__name__)
    return Verdict(
        decision,
        seq,
        circumstances.gate_ms,
        circumstances.face_ms,
        circumstances.score,
        None if bundle is None else max(0, now - bundle.issued_at),
    )


def _instead(decision: Decision, kind: type[Refer] | type[Refuse], reason: Reason, detail: str = "") -> Refer | Refuse:
    """What is decided instead, about the same token. Its subject is left out where an entry could not hold it."""
    about = decision.crossing if isinstance(decision, Admit) else decision
    sub = "" if reason is Reason.INTERNAL else about.sub
    return kind(
        reason,
        7,
        detail,
        iss=about.iss,
        jti=about.jti,
        sub=sub,
        document=about.document,
        reservation=about.reservation,
    )


def _fields(decision: Decision, bundle: TrustBundle | None, config: LaneConfig, now: int) -> dict[str, Any]:
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
