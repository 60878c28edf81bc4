"""When the tasks of this room run (seconds between runs)."""

BEAT = {"office.pulse": {"task": "office.pulse", "schedule": 15.0, "options": {"expires": 15}}}
