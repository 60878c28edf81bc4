"""The node's Celery application with a short lease: what a killed worker left is taken up while the test waits."""

import django

django.setup()

from idp.biometrics import jobs, tasks  # noqa: E402
from idp.celery import app  # noqa: E402

jobs.LEASE = 15  # seconds, of which an engine takes some to load
tasks.compare.time_limit = 12
app.finalize()
app.conf.beat_schedule = {"biometrics.sweep": {"task": "biometrics.sweep", "schedule": 1.0}}
