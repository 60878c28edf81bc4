"""The policy that an authority gives its gates, and its travel rules."""

from collections.abc import Mapping
from typing import Any

from idp.biometrics import thresholds
from idp.border.rules import book
from idp.conf import secret

DEFAULT_POLICY: Mapping[str, Any] = {
    "max_age": {"bundle": 86_400, "status": 120},  # seconds; protocol.md, Trust bundle
    "on_stale_status": "admit_and_mark",  # a lane that is cut off works on, and says how old its status is
    "max_attempts": 3,
    "four_eyes": ["watchlist"],  # what two officers release by hand
}


def policy_for(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The authority's policy with a checkpoint's own values over it, one level deep."""
    faces = {model: {"admit": at.admit, "refer": at.refer} for model, at in thresholds.for_gates().items()}
    defaults = {**DEFAULT_POLICY, "face": faces}
    merged = {name: dict(value) if isinstance(value, Mapping) else value for name, value in defaults.items()}
    for name, value in overrides.items():
        merged[name] = {**merged[name], **value} if _both(merged.get(name), value) else value
    return merged


def _both(one: object, other: object) -> bool:
    return isinstance(one, dict) and isinstance(other, Mapping)


def travel_rules(now: int) -> list[dict[str, Any]]:
    """The travel rules in force now and within the next 48 hours, as data (schema: `idp.protocol.travel_language`)."""
    return book.in_force(now)


def watch_key() -> bytes:
    """The key under which document numbers are hashed for the watch list; shared with this node's lanes only."""
    return secret("watch.key")
