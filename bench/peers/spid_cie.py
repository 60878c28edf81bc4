"""spid-cie-oidc as a trust anchor with one entity below it: a WSGI application for an environment of its own.

Nothing of ours is imported here. `DIRECTORY` in the environment holds its database; `SUBJECT` is the entity below.
The debug toolbars and demonstration pages of its examples are left out: what is measured is its two views.
"""

import os
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

ANCHOR = "http://127.0.0.1:{port}/"

settings.configure(
    DEBUG=False,
    SECRET_KEY="measured-and-thrown-away",  # noqa: S106
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="bench.peers.spid_cie",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "spid_cie_oidc.entity",
        "spid_cie_oidc.authority",
    ],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(Path(os.environ["DIRECTORY"]) / "spid.sqlite3"),
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    OIDC_PREFIX="",
    OIDCFED_TRUST_ANCHORS=[],
    OIDCFED_DEFAULT_TRUST_ANCHOR=ANCHOR.format(port=os.environ["PORT"]),
    LOGGING_CONFIG=None,
    PRIVATE_KEY_TYPE="EC",  # ES256; with its default, RS256, it answers some seven requests a second here
)
django.setup()

from spid_cie_oidc.authority.models import FederationDescendant  # noqa: E402
from spid_cie_oidc.authority.urls import urlpatterns as authority_urls  # noqa: E402
from spid_cie_oidc.entity.jwks import create_jwk  # noqa: E402
from spid_cie_oidc.entity.models import FederationEntityConfiguration  # noqa: E402
from spid_cie_oidc.entity.urls import urlpatterns as entity_urls  # noqa: E402

urlpatterns = [*entity_urls, *authority_urls]


def prepare() -> None:
    """Make the database, the anchor and the entity below it."""
    call_command("migrate", verbosity=0)
    anchor = ANCHOR.format(port=os.environ["PORT"])
    endpoints = {"federation_fetch_endpoint": f"{anchor}fetch", "federation_list_endpoint": f"{anchor}list"}
    FederationEntityConfiguration.objects.create(
        sub=anchor, is_active=True, entity_type="federation_entity", metadata={"federation_entity": endpoints}
    )
    public = {
        name: value
        for name, value in create_jwk().items()
        if name in ("kty", "n", "e", "crv", "x", "y", "kid", "use", "alg")
    }
    FederationDescendant.objects.create(
        sub=os.environ["SUBJECT"], name="below", is_active=True, jwks=[public], type="openid_relying_party"
    )


if os.environ.get("PREPARE"):
    prepare()

from django.core.wsgi import get_wsgi_application  # noqa: E402

application = get_wsgi_application()
