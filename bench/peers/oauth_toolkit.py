"""django-oauth-toolkit with one application: a WSGI application for an environment of its own.

Nothing of ours is imported here. `DATABASE_URL` in the environment is PostgreSQL's; `SECRET` is the application's. It
has no private_key_jwt, DPoP or JWT access tokens: the nearest that it has is a client secret and a token of random
characters in a row. The secret is kept in clear, as hashing it costs hundreds of milliseconds for each request.
"""

import os
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.management import call_command
from django.urls import path

CLIENT = "measured"
_URL = urlsplit(os.environ["DATABASE_URL"])

settings.configure(
    DEBUG=False,
    SECRET_KEY="measured-and-thrown-away",  # noqa: S106
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="bench.peers.oauth_toolkit",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _URL.path.lstrip("/"),
            "USER": _URL.username or "",
            "PASSWORD": _URL.password or "",
            "HOST": _URL.hostname or "",
            "PORT": str(_URL.port or ""),
            "CONN_MAX_AGE": 60,
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    LOGGING_CONFIG=None,
    OAUTH2_PROVIDER={"SCOPES": {"read": "read"}, "ACCESS_TOKEN_EXPIRE_SECONDS": 3600},
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from oauth2_provider.models import get_application_model  # noqa: E402
from oauth2_provider.views import TokenView  # noqa: E402

urlpatterns = [path("token", TokenView.as_view())]


def prepare() -> None:
    """Make the tables and the application."""
    call_command("migrate", verbosity=0)
    get_application_model().objects.create(
        client_id=CLIENT,
        client_secret=os.environ["SECRET"],
        hash_client_secret=False,
        client_type="confidential",
        authorization_grant_type="client-credentials",
        name="measured",
    )


if os.environ.get("PREPARE"):
    prepare()

application = get_wsgi_application()
