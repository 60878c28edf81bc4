"""When this room's tasks run; `idp.celery` reads it. Seconds."""

BEAT = {
    "federation-mirror": {"task": "idp.federation.tasks.mirror", "schedule": 15.0, "options": {"expires": 15}},
    "federation-sync": {"task": "idp.federation.tasks.sync", "schedule": 300.0, "options": {"expires": 300}},
    "federation-renew": {"task": "idp.federation.tasks.renew", "schedule": 3600.0, "options": {"expires": 3600}},
    "federation-takeovers": {"task": "idp.federation.tasks.take_over", "schedule": 60.0, "options": {"expires": 60}},
    "federation-heads": {"task": "idp.federation.tasks.heads", "schedule": 60.0, "options": {"expires": 60}},
}
