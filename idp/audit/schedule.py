"""When the audit's task runs (seconds between runs)."""

BEAT = {
    "audit.seal": {"task": "audit.seal", "schedule": 1.0},
    "audit.verify_nightly": {"task": "audit.verify_nightly", "schedule": 3600.0},
    "audit.forget_reasons": {"task": "audit.forget_reasons", "schedule": 3600.0},
}
