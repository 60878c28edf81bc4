"""The policy that an authority gives its gates, and the travel rules that it ships with."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from idp.biometrics import thresholds
from idp.conf import secret
from idp.protocol.travel_rules import local_date

RULES_FILE = Path(__file__).with_name("rules.json")
AHEAD = 48 * 3600  # seconds

DEFAULT_POLICY: Mapping[str, Any] = {
    "max_age": {"bundle": 86_400, "status": 120},  # seconds; protocol.md, Trust bundle
    "on_stale_status": "admit_and_mark",  # a lane that is cut off works on, and says how old its status is
    "max_attempts": 3,
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
    """The travel rules in force now and within the next 48 hours, as data (schema: `idp.protocol.travel_rules`).

    A lane that is cut off decides for a day by the bundle that it has, and needs tomorrow's rules in it.
    """
    today, last = local_date(now).isoformat(), local_date(now + AHEAD).isoformat()
    return [rule for rule in _shipped() if rule["from"] <= last and (rule["until"] is None or rule["until"] >= today)]


@lru_cache(maxsize=1)
def _shipped() -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = json.loads(RULES_FILE.read_text(encoding="utf-8"))
    return rules


def watch_key() -> bytes:
    """The key under which document numbers are hashed for the watch list; shared with this node's lanes only."""
    return secret("watch.key")
