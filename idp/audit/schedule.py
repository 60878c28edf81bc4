"""When the audit's task runs (seconds between runs)."""

BEAT = {"audit.seal": {"task": "audit.seal", "schedule": 1.0}}
