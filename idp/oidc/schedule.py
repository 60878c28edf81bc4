"""When this room's tasks run; the settings put it into Celery's beat schedule. Seconds."""

BEAT = {
    "oidc-purge": {"task": "idp.oidc.tasks.purge", "schedule": 300.0, "options": {"expires": 300}},
    "oidc-logouts": {"task": "idp.oidc.tasks.deliver_logouts", "schedule": 3.0, "options": {"expires": 3}},
}
