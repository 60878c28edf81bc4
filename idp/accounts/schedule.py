"""When the accounts' task runs (seconds between runs)."""

BEAT = {"accounts.end_guardianships": {"task": "accounts.end_guardianships", "schedule": 600.0}}
