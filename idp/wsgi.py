"""WSGI entry point."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idp.settings")
_django = get_wsgi_application()  # before anything that knows a model is imported

from idp.federation.serving import Front  # noqa: E402
from idp.machines import MachineHandler, Switch  # noqa: E402

application = Front(Switch(machines=MachineHandler(), pages=_django))
