"""The settings under test: a Hong Kong node on loopback with a folder of its own."""

import atexit
import os
import tempfile

_DATA = tempfile.TemporaryDirectory(prefix="causeway-tests-")
_STATIC = tempfile.TemporaryDirectory(prefix="causeway-static-")
atexit.register(_DATA.cleanup)
atexit.register(_STATIC.cleanup)
os.environ.update(
    DEBUG="1",
    INSECURE_LOOPBACK_HTTP="1",
    CAUSEWAY_ENTITY_ID="http://hk.localhost:8002",
    CAUSEWAY_JURISDICTION="HKG",
    CAUSEWAY_DATA_DIR=_DATA.name,
    CAUSEWAY_STATIC_ROOT=_STATIC.name,  # whitenoise warns of a folder that is not there
)
os.environ.setdefault("DATABASE_URL", f"sqlite:///{_DATA.name}/node.sqlite3")

from idp.settings import *  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # tests make hundreds of accounts
WHITENOISE_AUTOREFRESH = True  # each test's client makes the middleware anew: it looks for a file when asked for one
