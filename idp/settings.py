"""Settings from the environment only; secrets by file path. Ours are named ``IDP_…`` and read by `idp.conf` only."""

import os
from pathlib import Path

import environ

from idp import broker

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = env.bool("DEBUG", default=False)
IDP_INSECURE_LOOPBACK_HTTP = env.bool("INSECURE_LOOPBACK_HTTP", default=False)
IDP_ENTITY_ID = env.str("CAUSEWAY_ENTITY_ID", default="https://idp.example")
IDP_NAME = env.json("CAUSEWAY_NAME", default={"en": "Border authority"})
IDP_CONTACTS = env.list("CAUSEWAY_CONTACTS", default=[])
IDP_JURISDICTION = env.str("CAUSEWAY_JURISDICTION", default="HKG")
IDP_FEDERATION_AUTH = env.json("CAUSEWAY_FEDERATION_AUTH", default={})
IDP_DPOP_NONCE = env.json("CAUSEWAY_DPOP_NONCE", default=["border"])
IDP_DYNAMIC_REGISTRATION = env.str("CAUSEWAY_DYNAMIC_REGISTRATION", default="off")
IDP_FACE_ENGINES = env.list("CAUSEWAY_FACE_ENGINES", default=["embedded"])  # the first enrols
IDP_FACE_PROVIDERS = env.list("CAUSEWAY_FACE_PROVIDERS", default=["cpu"])
IDP_FACE_PROFILE = env.str("CAUSEWAY_FACE_PROFILE", default="")
IDP_GATE_FACE_PROFILE = env.str("CAUSEWAY_GATE_FACE_PROFILE", default=IDP_FACE_PROFILE)
IDP_FACE_KEY = env.str("CAUSEWAY_FACE_KEY", default="file:biometrics.key")
IDP_FACE_KEYS_RETIRED = env.json("CAUSEWAY_FACE_KEYS_RETIRED", default=[])
IDP_FACE_STORAGE = env.str("CAUSEWAY_FACE_STORAGE", default="node")
IDP_STATUS_BITS = env.int("CAUSEWAY_STATUS_BITS", default=1)
IDP_STATUS_HISTORY = env.int("CAUSEWAY_STATUS_HISTORY", default=30 * 86_400)
# A token for the entry lives up to a day, and a lane that is cut off hands its journal in up to a day later.
IDP_RESERVATION_LAPSES_AFTER = env.int("CAUSEWAY_RESERVATION_LAPSES_AFTER", default=2 * 86_400)
IDP_UNMATCHED_AFTER = env.int("CAUSEWAY_UNMATCHED_AFTER", default=3 * 86_400)  # either side may be down for days
IDP_LONGEST_VISIT = env.int("CAUSEWAY_LONGEST_VISIT", default=90 * 86_400)  # the longest stay of most endorsements
IDP_IDENTIFIED_DAYS = env.int("CAUSEWAY_IDENTIFIED_DAYS", default=90)  # as long as the longest usual stay
IDP_PSEUDONYM_KEY_DAYS = env.int("CAUSEWAY_PSEUDONYM_KEY_DAYS", default=365)
IDP_CROSSINGS_MONTHS = env.int("CAUSEWAY_CROSSINGS_MONTHS", default=36)  # docs/privacy.md, How long
IDP_INVESTIGATION_SHOWN_DAYS = env.int("CAUSEWAY_INVESTIGATION_SHOWN_DAYS", default=180)  # docs/decisions/0036
IDP_DATA_DIR = env.path("CAUSEWAY_DATA_DIR", default=str(BASE_DIR / "var" / "node"))()
IDP_KEY_DIR = env.path("CAUSEWAY_KEY_DIR", default=os.path.join(IDP_DATA_DIR, "keys"))()  # noqa: PTH118
IDP_MODEL_DIR = env.path("CAUSEWAY_MODEL_DIR", default=str(BASE_DIR / "var" / "models"))()


def _secret_key() -> str:
    """The key from CAUSEWAY_SECRET_KEY_FILE; made on first use where the node keeps its keys."""
    path = Path(env.str("CAUSEWAY_SECRET_KEY_FILE", default=os.path.join(IDP_KEY_DIR, "django-secret-key")))  # noqa: PTH118
    if not path.exists():
        from django.core.management.utils import get_random_secret_key

        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:  # another process of this node was first
            return path.read_text()
        with os.fdopen(descriptor, "w") as file:
            file.write(get_random_secret_key())
    return path.read_text()


def _kept(file: str, plain: str) -> str:
    """A URL that holds a password stands in a ``file``; otherwise the ``plain`` one."""
    return Path(file).read_text("utf-8").strip() if file else plain


os.umask(0o077)  # names, document numbers and keys: nothing that a node writes is for other users of the machine
SECRET_KEY = _secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[IDP_ENTITY_ID.split("//", 1)[1].split("/")[0].split(":")[0]])

INSTALLED_APPS = [
    "idp.apps.CausewayAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "axes",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "idp.audit",
    "idp.proposals",
    "idp.accounts",
    "idp.federation",
    "idp.oidc",
    "idp.biometrics",
    "idp.border",
    "idp.office",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "idp.oidc.trying.window.middleware",  # in front of all that reads a session or a CSRF secret
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "axes.middleware.AxesMiddleware",
    "idp.oidc.dpop_nonces.middleware",
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "idp.accounts.role_backend.RolesBackend",
]
AUTH_USER_MODEL = "accounts.Account"
ROOT_URLCONF = "idp.urls"
WSGI_APPLICATION = "idp.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "idp.accounts.context.authority",
            ]
        },
    }
]

DATABASES = {
    "default": env.db_url_config(
        _kept(
            env.str("DATABASE_URL_FILE", default=""),
            env.str("DATABASE_URL", default=f"sqlite:///{IDP_DATA_DIR}/node.sqlite3"),
        )
    )
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",  # a deferred transaction that turns into a writer fails at once under load
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; "
        "PRAGMA secure_delete=ON;",  # a face that was deleted is not to be read in the file's free pages
    }
DATABASES["default"].setdefault("CONN_MAX_AGE", 60)  # seconds; opening one costs more than most requests
DATABASES["default"].setdefault("CONN_HEALTH_CHECKS", True)
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}  # never for replay state: it forgets

LANGUAGE_CODE = env.str("CAUSEWAY_LANGUAGE", default="en")
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文"), ("zh-hant", "繁體中文"), ("pt", "Português")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Hong_Kong"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("CAUSEWAY_STATIC_ROOT", default=str(BASE_DIR / "var" / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = DEBUG
LOGIN_URL = "/account/login"

_SECURE = not IDP_INSECURE_LOOPBACK_HTTP
SESSION_COOKIE_NAME = "__Host-session" if _SECURE else "session"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _SECURE
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = _SECURE
LANGUAGE_COOKIE_HTTPONLY, LANGUAGE_COOKIE_SAMESITE = True, "Lax"
CSRF_COOKIE_NAME = "__Host-csrf" if _SECURE else "csrf"
SECURE_HSTS_SECONDS = 31_536_000 if _SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _SECURE
CSRF_TRUSTED_ORIGINS = ["/".join(IDP_ENTITY_ID.split("/")[:3])]
if env.bool("CAUSEWAY_BEHIND_TLS_PROXY", default=False):  # which must set the header itself
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024  # a burst of camera frames; protocol endpoints cap lower themselves
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "media-src": ["'self'", "blob:"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "idp.openapi.declared.Declared",
    "EXCEPTION_HANDLER": "idp.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Causeway",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "PREPROCESSING_HOOKS": ["idp.openapi.only_declared"],
    "POSTPROCESSING_HOOKS": ["idp.openapi.describe"],
}

CELERY_BROKER_URL = _kept(
    env.str("CELERY_BROKER_URL_FILE", default=""), env.str("CELERY_BROKER_URL", default="filesystem://")
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_MAX_LOOP_INTERVAL = 1  # seconds; the audit is sealed so often, and a stop waits for it
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = broker.PATIENCE
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a broker that is down for an hour ends no worker
CELERY_BROKER_TRANSPORT_OPTIONS = broker.transport_options(CELERY_BROKER_URL, Path(IDP_DATA_DIR) / "broker")

AXES_ENABLE_ADMIN = False  # its pages let whoever sees them delete: ours are in the accounts room
AXES_FAILURE_LIMIT = 5  # NIST SP 800-63B §5.2.2 allows up to 100; five and a delay cost a traveller little
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
OTP_TOTP_ISSUER = "Causeway"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="WARNING")},
}
