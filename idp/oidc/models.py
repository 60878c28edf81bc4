"""What this room remembers: clients, pushed requests, grants with their codes and refresh tokens, and what was spent.

Secrets are kept as SHA-256 only. Times are whole seconds since 1970, as on the wire.
"""

import uuid
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from idp.oidc.registration_models import RegistrationCount as RegistrationCount
from idp.oidc.registration_models import RegistrationToken as RegistrationToken

HASH_CHARS = 64  # SHA-256 in hex
MAX_CLIENT_ID = 512  # entity identifiers are URLs


class Client(models.Model):
    """A party that may ask for tokens. ``profile`` decides which checks it must pass (`idp.oidc.checks`)."""

    class Profile(models.TextChoices):
        BORDER = "border", _("border")
        FEDERATION = "federation", _("federation")
        BASIC = "basic", _("basic")

    class Registration(models.TextChoices):
        AUTOMATIC = "automatic", _("automatic")
        EXPLICIT = "explicit", _("explicit")
        ADMIN = "admin", _("by an officer")
        DYNAMIC = "dynamic", _("dynamic")
        TRIAL = "trial", _("a trial")  # of an officer, for an hour (`idp.oidc.trying`)

    client_id = models.CharField(_("identifier"), max_length=MAX_CLIENT_ID, unique=True)
    profile = models.CharField(_("profile"), max_length=16, choices=Profile.choices)
    registration = models.CharField(_("registration"), max_length=16, choices=Registration.choices)
    metadata = models.JSONField(default=dict)  # as resolved by policy; its keys are those for this protocol
    sector = models.CharField(_("sector"), max_length=255)  # of the pairwise subjects (OpenID Connect Core §8.1)
    expires_at = models.BigIntegerField(null=True, blank=True)  # of the trust chain; None: until disabled
    disabled = models.BooleanField(_("disabled"), default=False)  # by an officer; a new resolution does not undo it
    chain_path = models.JSONField(default=list)  # client ... anchor, of the chain that an explicit registration went by
    stated_at = models.BigIntegerField(null=True, blank=True)  # iat of the statement that registered it explicitly
    fetched_jwks = models.JSONField(null=True, blank=True)  # what stands at its signed_jwks_uri or jwks_uri
    jwks_asked_at = models.BigIntegerField(default=0)  # when that was last asked for, by whichever worker
    jwks_until = models.BigIntegerField(default=0)  # how long it may be used while nobody answers
    secret_hash = models.CharField(max_length=HASH_CHARS, blank=True)  # of a secret made here; "" when it has none
    registration_token_hash = models.CharField(max_length=HASH_CHARS, blank=True)  # RFC 7592 §3
    resources = models.JSONField(_("resources"), default=list)  # identifiers (RFC 8707) that it answers for
    created_at = models.BigIntegerField()

    class Meta:
        verbose_name = _("client")
        verbose_name_plural = _("clients")
        constraints = [
            models.CheckConstraint(
                name="oidc_client_profile_known", condition=Q(profile__in=["border", "federation", "basic"])
            ),
            models.CheckConstraint(
                name="oidc_client_registration_known",
                condition=Q(registration__in=["automatic", "explicit", "admin", "dynamic", "trial"]),
            ),
            models.CheckConstraint(
                name="oidc_client_trial_is_short",
                condition=~Q(registration="trial")
                | Q(expires_at__isnull=False, expires_at__lte=F("created_at") + 3600),
            ),
            models.CheckConstraint(
                name="oidc_client_automatic_expires", condition=~Q(registration="automatic", expires_at=None)
            ),
            models.CheckConstraint(
                name="oidc_client_explicit_expires", condition=~Q(registration="explicit", expires_at=None)
            ),
            models.CheckConstraint(name="oidc_client_sector_present", condition=~Q(sector="")),
            models.CheckConstraint(
                name="oidc_client_secret_is_basics", condition=Q(secret_hash="") | Q(profile="basic")
            ),
        ]

    def __str__(self) -> str:
        return self.client_id

    @property
    def is_wallet(self) -> bool:
        """Whether its DPoP keys are travellers' phones: a client that asks for rich authorization (RFC 9396 §10)."""
        return self.profile == self.Profile.BORDER and bool(self.listed("authorization_details_types"))

    def listed(self, name: str, default: list[str] | None = None) -> list[str]:
        """The metadata member ``name`` as a list of strings (whatever else stands there counts as absent)."""
        value = self.metadata.get(name)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        return default or []


class PushedRequest(models.Model):
    """An authorization request as pushed (RFC 9126) or brought by value, checked and waiting for the traveller."""

    handle_hash = models.CharField(max_length=HASH_CHARS, unique=True)
    client = models.ForeignKey(Client, on_delete=models.CASCADE)
    parameters = models.JSONField()
    jkt = models.CharField(max_length=43, blank=True)  # the key that the code will be bound to (RFC 9449 §10)
    instance = models.CharField(max_length=43, blank=True)  # the attested key of the client's instance that pushed
    created_at = models.BigIntegerField()
    begun_at = models.BigIntegerField(null=True)  # first seen at the authorization endpoint
    expires_at = models.BigIntegerField(db_index=True)
    completed_at = models.BigIntegerField(null=True)  # allowed or denied; what a request_uri is good for once

    class Meta:
        verbose_name = _("pushed request")
        verbose_name_plural = _("pushed requests")
        constraints = [
            models.CheckConstraint(name="oidc_pushed_expires_later", condition=Q(expires_at__gt=F("created_at"))),
        ]

    def __str__(self) -> str:
        return f"pushed request {self.pk}"


class Grant(models.Model):
    """What a traveller allowed a client. Every token hangs on one, and is dead when it is revoked."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    traveller = models.ForeignKey("accounts.Traveller", on_delete=models.PROTECT, related_name="grants")
    client = models.ForeignKey(Client, on_delete=models.PROTECT)
    scope = models.CharField(max_length=255, blank=True)
    authorization_details = models.JSONField(default=list)  # as granted
    acr = models.CharField(max_length=64)
    amr = models.JSONField(default=list)
    auth_time = models.BigIntegerField()
    claims = models.JSONField(default=dict)  # the claims parameter as allowed (OpenID Connect Core §5.5)
    claims_locales = models.CharField(max_length=128, blank=True)  # the languages to tell them in (Core §5.2)
    resources = models.JSONField(default=list)  # resource identifiers as allowed (RFC 8707); none: this node
    sid = models.CharField(max_length=43, blank=True)  # of the browser session, as `idp.accounts.sessions` names it
    jkt = models.CharField(max_length=43, blank=True)  # of the device; empty until the first token
    instance = models.CharField(max_length=43, blank=True)  # the attested key that its code and tokens belong to
    created_at = models.BigIntegerField()
    revoked_at = models.BigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        indexes = [
            models.Index(name="oidc_grant_revoked", fields=["revoked_at"], condition=Q(revoked_at__isnull=False))
        ]
        constraints = [
            models.CheckConstraint(
                name="oidc_grant_revoked_after_created",
                condition=Q(revoked_at=None) | Q(revoked_at__gte=F("created_at")),
            ),
            models.CheckConstraint(name="oidc_grant_acr_present", condition=~Q(acr="")),
        ]

    def __str__(self) -> str:
        return str(self.id)


class AuthorizationCode(models.Model):
    """A code, redeemed once. It stays after its use, so that a second use is known for what it is."""

    code_hash = models.CharField(max_length=HASH_CHARS, unique=True)
    grant = models.OneToOneField(Grant, on_delete=models.CASCADE, related_name="code")
    redirect_uri = models.CharField(max_length=2048)
    code_challenge = models.CharField(max_length=43, null=True)  # noqa: DJ001  None: asked for without PKCE
    nonce = models.CharField(max_length=512, blank=True)
    expires_at = models.BigIntegerField()
    used_at = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("authorization code")
        verbose_name_plural = _("authorization codes")
        constraints = [
            models.CheckConstraint(name="oidc_code_challenge_present", condition=~Q(code_challenge="")),
        ]

    def __str__(self) -> str:
        return f"code {self.pk}"


class RefreshToken(models.Model):
    """A refresh token, bound to its client and to the grant's key.

    Rotated for the profile ``basic`` only (FAPI 2.0 §5.3.2.1). A rotated one stays, so that a second use is noticed.
    """

    token_hash = models.CharField(max_length=HASH_CHARS, unique=True)
    grant = models.ForeignKey(Grant, on_delete=models.CASCADE, related_name="refresh_tokens")
    created_at = models.BigIntegerField()
    expires_at = models.BigIntegerField(db_index=True)
    rotated_at = models.BigIntegerField(null=True)  # another took its place

    class Meta:
        verbose_name = _("refresh token")
        verbose_name_plural = _("refresh tokens")
        constraints = [
            models.CheckConstraint(name="oidc_refresh_expires_later", condition=Q(expires_at__gt=F("created_at"))),
        ]

    def __str__(self) -> str:
        return f"refresh token {self.pk}"


class Consent(models.Model):
    """What a traveller has agreed to before, so that the same client need not ask again for the same."""

    traveller = models.ForeignKey("accounts.Traveller", on_delete=models.CASCADE, related_name="consents")
    client = models.ForeignKey(Client, on_delete=models.CASCADE)
    scopes = models.JSONField(default=list)
    claims = models.JSONField(default=list)  # as `idp.oidc.claims.unit` names them; what stands here may be told
    resources = models.JSONField(default=list)
    since_at = models.BigIntegerField()  # when it was first given
    given_at = models.BigIntegerField()  # when it was last given or relied on by a login

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [models.UniqueConstraint(name="oidc_consent_once", fields=["traveller", "client"])]

    def __str__(self) -> str:
        return f"consent {self.pk}"


class LogoutNotice(models.Model):
    """A back-channel logout token that a client is still to be sent (OpenID Connect Back-Channel Logout §2.5)."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE)
    jti = models.CharField(max_length=43, unique=True)
    sub = models.CharField(max_length=255)
    sid = models.CharField(max_length=43)  # as this client knows the session
    created_at = models.BigIntegerField()
    due_at = models.BigIntegerField(db_index=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    delivered_at = models.BigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("logout notice")
        verbose_name_plural = _("logout notices")
        constraints = [
            models.CheckConstraint(name="oidc_logout_due_later", condition=Q(due_at__gte=F("created_at"))),
        ]

    def __str__(self) -> str:
        return f"logout notice {self.pk}"


class UsedOnce(models.Model):
    """Something that was seen, and must not be seen again before ``expires_at``."""

    kind = models.CharField(max_length=32)
    key_hash = models.CharField(max_length=HASH_CHARS)
    expires_at = models.BigIntegerField(db_index=True)

    class Meta:
        verbose_name = _("spent identifier")
        verbose_name_plural = _("spent identifiers")
        constraints = [models.UniqueConstraint(name="oidc_used_once", fields=["kind", "key_hash"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.key_hash[:8]}"


def plain(value: Any) -> Any:
    """``value`` as plain lists and dicts, for a JSON column."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value
