"""The one Celery application. A task takes ids, never objects, and may run twice without harm."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idp.settings")

app = Celery("causeway")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["idp.audit", "idp.federation", "idp.biometrics", "idp.border"])
