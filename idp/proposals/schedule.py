"""When the task of this room runs (seconds between runs)."""

BEAT = {"proposals.expire": {"task": "proposals.expire", "schedule": 3600.0, "options": {"expires": 3600}}}
