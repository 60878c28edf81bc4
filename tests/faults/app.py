"""The node's Celery application with a short lease: what a killed worker left is taken up while the test waits."""

import django

django.setup()

from idp.biometrics import jobs, tasks  # noqa: E402
from idp.celery import app  # noqa: E402

jobs.LEASE = 30  # seconds, of which an engine takes many to load on a busy machine
tasks.compare.time_limit = 25
app.finalize()
app.conf.beat_schedule = {"biometrics.sweep": {"task": "biometrics.sweep", "schedule": 1.0}}
