"""What a gate says: to the traveller only what helps, to the officer the reason; in every language of the house."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from idp.checkpoint.deciding import Verdict
from idp.protocol.gate_decisions import Admit
from idp.protocol.refusals import Reason

LANGUAGES = ("en", "zh-hans", "zh-hant", "pt")

# What a traveller can do something about; everything else is one neutral sentence (protocol.md, Refusal reasons).
HELPFUL = frozenset(
    {
        Reason.EXPIRED,
        Reason.NOT_YET_VALID,
        Reason.WRONG_AUDIENCE,
        Reason.WRONG_DIRECTION,
        Reason.MALFORMED,
        Reason.FACE_NO_FACE,
        Reason.FACE_MANY_FACES,
        Reason.FACE_LOW_QUALITY,
    }
)


@lru_cache(maxsize=8)
def catalogue(language: str) -> Mapping[str, Mapping[str, str]]:
    """``{"page": …, "traveller": …, "officer": …}`` in one of `LANGUAGES`."""
    texts: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name(f"{language}.json").read_text("utf-8"))
    return texts


def for_traveller(verdict: Verdict, language: str) -> str:
    """The sentence on the screen. A watch-list hit reads like any referral."""
    texts = catalogue(language)["traveller"]
    if isinstance(verdict.decision, Admit) or verdict.hand == "release":
        return texts["admit"]
    if verdict.hand:
        return texts["officer"]
    reason = verdict.decision.reason
    return texts[reason.value] if reason in HELPFUL else texts["officer"]


def for_joint(released: bool, language: str) -> str:
    """The sentence on a joint gate's screen: one of two, whatever a side has against the traveller."""
    return catalogue(language)["traveller"]["admit" if released else "officer"]


def for_officer(reason: Reason, language: str) -> str:
    """The reason in words, for the officers' log."""
    return catalogue(language)["officer"][reason.value]
