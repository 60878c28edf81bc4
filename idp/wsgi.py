"""WSGI entry point."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idp.settings")
_django = get_wsgi_application()  # before anything that knows a model is imported

from idp.federation.serving import Front  # noqa: E402
from idp.machines import MachineHandler, Switch  # noqa: E402

application = Front(Switch(machines=MachineHandler(), pages=_django))

# Every view is imported now and not by the first request; and what was made so far lives as long as the worker, so that
# no collection need look through it again.
get_resolver().url_patterns  # noqa: B018
gc.collect()
gc.freeze()
