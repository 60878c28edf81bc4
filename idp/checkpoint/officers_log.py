"""The officers' log of a lane: each decision with its step and score, one JSON line each, without a name or number."""

import json
import os
from pathlib import Path
from typing import Any

from idp.checkpoint.lane import Verdict
from idp.protocol.gate_decisions import Admit

FILE = "decisions.jsonl"


def write(directory: Path, verdict: Verdict, *, at: int) -> None:
    """Append ``verdict``. A disk that fails is said elsewhere (the journal is what counts)."""
    decision = verdict.decision
    line: dict[str, Any] = {
        "seq": verdict.seq,
        "at": at,
        "decision": verdict.word,
        "reason": "" if isinstance(decision, Admit) else decision.reason.value,
        "step": None if isinstance(decision, Admit) else decision.step,
        "detail": "" if isinstance(decision, Admit) else decision.detail,
        "score": verdict.score,
        "gate_ms": round(verdict.gate_ms, 3),
        "face_ms": None if verdict.face_ms is None else round(verdict.face_ms, 1),
        "bundle_age": verdict.bundle_age,
        "jti": decision.crossing.jti if isinstance(decision, Admit) else decision.jti,
    }
    try:
        descriptor = os.open(directory / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        return
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
