"""When the tasks of this room run (seconds between runs)."""

BEAT = {
    name: {"task": name, "schedule": 3600.0, "options": {"expires": 3600}}
    for name in ("proposals.expire", "proposals.overdue_reviews")
}
