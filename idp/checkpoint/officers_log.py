"""The officers' log of a lane: each decision with its step and score, one JSON line each, without a name or number."""

import contextlib
import json
import logging
import os
from pathlib import Path
from typing import Any

from idp.checkpoint.deciding import Verdict
from idp.protocol.gate_decisions import Admit, Decision

log = logging.getLogger(__name__)

FILE = "decisions.jsonl"


def write(directory: Path, verdict: Verdict, *, at: int, officers: str = "") -> None:
    """Append ``verdict``. Never raises: the journal is what counts, and a disk that fails stops no answer."""
    decision = verdict.decision
    line: dict[str, Any] = {
        "seq": verdict.seq,
        "at": at,
        "decision": verdict.hand or verdict.word,
        "reason": "" if isinstance(decision, Admit) else decision.reason.value,
        "step": None if isinstance(decision, Admit) else decision.step,
        "detail": "" if isinstance(decision, Admit) else decision.detail,
        "score": verdict.score,
        "gate_ms": round(verdict.gate_ms, 3),
        "face_ms": None if verdict.face_ms is None else round(verdict.face_ms, 1),
        "bundle_age": verdict.bundle_age,
        "status_age": _status_age(decision, at),
        "marks": list(decision.crossing.marks) if isinstance(decision, Admit) else [],
        "jti": decision.crossing.jti if isinstance(decision, Admit) else decision.jti,
    }
    if officers:
        line["officers"] = officers
    _append(directory, line)


def _status_age(decision: Decision, at: int) -> int | None:
    """Seconds since the issuer signed the status list that was looked at; None where none was."""
    as_of = decision.crossing.status_as_of if isinstance(decision, Admit) else decision.status_as_of
    return None if as_of is None else max(0, at - as_of)


def looked(directory: Path, *, seq: int, officer: str, at: int) -> None:
    """An officer has opened the case about entry ``seq``, and with it a traveller's name and number. Never raises."""
    _append(directory, {"seq": seq, "at": at, "decision": "looked", "reason": "", "score": None, "officers": officer})


def _append(directory: Path, line: dict[str, Any]) -> None:
    try:
        descriptor = os.open(directory / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    except OSError as error:  # also when it is full: the decision is recorded and must be shown
        log.error("the officers' log cannot be written: %s", error.strerror)  # noqa: TRY400  the trace says no more


def read(directory: Path) -> list[dict[str, Any]]:
    """The lines of the log, in order; one that a loss of power cut short is passed over. Raises OSError."""
    lines = []
    for text in (directory / FILE).read_text("utf-8", errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            lines.append(json.loads(text))
    return lines
