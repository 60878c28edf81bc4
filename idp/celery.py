"""The one Celery application. A task takes ids, never objects, and may run twice without harm."""

import os
from importlib import import_module

from celery import Celery

from idp import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idp.settings")

ROOMS = ["idp.audit", "idp.accounts", "idp.federation", "idp.oidc", "idp.biometrics", "idp.border", "idp.office"]

broker.install()
app = Celery("causeway")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(ROOMS)


@app.on_after_finalize.connect
def _schedules(sender: Celery, **_: object) -> None:
    """Each room says in its module ``schedule`` when its tasks run; found by name: nothing here imports upward."""
    from django.utils.module_loading import module_has_submodule

    for name in ROOMS:
        if module_has_submodule(import_module(name), "schedule"):
            sender.conf.beat_schedule.update(import_module(f"{name}.schedule").BEAT)
