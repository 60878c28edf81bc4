"""When the tasks of this room run (seconds between runs)."""

BEAT = {"biometrics.sweep": {"task": "biometrics.sweep", "schedule": 15.0}}
