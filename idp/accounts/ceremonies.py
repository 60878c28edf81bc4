"""WebAuthn ceremonies (Level 2 §7): making a passkey, and proving that one has it.

Each ceremony is two calls. The first puts a challenge into the browser's session, the second takes it out again,
whatever comes of it, and hands out a verified value. User verification (a PIN, a finger, a face) is required of both.
"""

import json
import uuid
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import webauthn
from django.db import IntegrityError, transaction
from webauthn.helpers import structs
from webauthn.helpers.cose import COSEAlgorithmIdentifier

from idp.accounts.models import Account, Passkey, SpentChallenge
from idp.accounts.models.credentials import MAX_CREDENTIAL_ID_BYTES
from idp.conf import Authority
from idp.protocol import strict_json
from idp.protocol.refusals import Refusal

CEREMONY_SECONDS = 300  # for a person who looks for a security key
ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,  # the only one that some Windows machines have
]
_KEY = "causeway_ceremony"

Session = MutableMapping[str, Any]


class UnableToComplete(Exception):
    """The ceremony did not succeed. ``code`` is one of `idp.problems`."""

    def __init__(self, detail: str, *, code: str = "invalid_proof") -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True)
class Party:
    """Whom passkeys are made for: the authority, as a browser knows it."""

    id: str  # RP ID: the host
    origin: str
    name: str

    @classmethod
    def of(cls, authority: Authority) -> "Party":
        parts = urlsplit(authority.entity_id)
        name = authority.name.get("en") or next(iter(authority.name.values()))
        return cls(parts.hostname or "", f"{parts.scheme}://{parts.netloc}", name)


@dataclass(frozen=True)
class NewCredential:
    """A verified new credential, and what was noted when its ceremony began."""

    credential_id: bytes
    public_key: bytes  # COSE_Key
    sign_count: int
    aaguid: uuid.UUID
    backed_up: bool
    user_handle: bytes
    notes: Mapping[str, Any]


@dataclass(frozen=True)
class VerifiedAssertion:
    """A passkey that was just used by its verified owner."""

    account: Account
    passkey: Passkey


@dataclass(frozen=True)
class _Pending:
    challenge: bytes
    user_handle: bytes
    allowed: tuple[bytes, ...]
    notes: Mapping[str, Any]


def begin_creation(
    *,
    session: Session,
    party: Party,
    purpose: str,
    user_handle: bytes,
    user_name: str,
    display_name: str,
    exclude: Sequence[bytes],
    notes: Mapping[str, Any],
    now: int,
) -> dict[str, Any]:
    """Options for ``navigator.credentials.create()`` (§5.4): a discoverable credential with user verification.

    ``notes`` (JSON) come back from `complete_creation`; ``purpose`` must be the same in both.
    """
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=user_handle,
        user_name=user_name,
        user_display_name=display_name or user_name,
        timeout=CEREMONY_SECONDS * 1000,
        attestation=structs.AttestationConveyancePreference.NONE,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=item) for item in exclude],
        supported_pub_key_algs=ALGORITHMS,
    )
    _put(session, purpose, options.challenge, user_handle=user_handle, allowed=(), notes=notes, now=now)
    return dict(json.loads(webauthn.options_to_json(options)))


def complete_creation(
    *, session: Session, party: Party, purpose: str, credential: Mapping[str, Any], now: int
) -> NewCredential:
    """Verify what the browser answered (§7.1). Raises `UnableToComplete`."""
    pending = _take(session, purpose, now)
    _check_same_origin(credential)
    try:
        verified = webauthn.verify_registration_response(
            credential=dict(credential),
            expected_challenge=pending.challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
    except Exception as error:  # the library raises many kinds for malformed input
        raise UnableToComplete(f"creation refused: {error}") from error
    if len(verified.credential_id) > MAX_CREDENTIAL_ID_BYTES:  # §7.1 step 25 (Level 3)
        raise UnableToComplete("credential ID too long")
    return NewCredential(
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        aaguid=uuid.UUID(verified.aaguid),
        backed_up=verified.credential_backed_up,
        user_handle=pending.user_handle,
        notes=pending.notes,
    )


def begin_assertion(*, session: Session, party: Party, allowed: Sequence[bytes], now: int) -> dict[str, Any]:
    """Options for ``navigator.credentials.get()`` (§5.5). Without ``allowed`` any discoverable passkey will do."""
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        timeout=CEREMONY_SECONDS * 1000,
        allow_credentials=[structs.PublicKeyCredentialDescriptor(id=item) for item in allowed],
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    _put(session, "login", options.challenge, user_handle=b"", allowed=allowed, notes={}, now=now)
    return dict(json.loads(webauthn.options_to_json(options)))


def complete_assertion(*, session: Session, party: Party, credential: Mapping[str, Any], now: int) -> VerifiedAssertion:
    """Verify what the browser answered (§7.2). Raises `UnableToComplete`; invalid_proof for every kind of bad answer.

    A counter that does not advance (§6.1.1) refuses with conflict: the passkey may have been copied.
    """
    pending = _take(session, "login", now)
    credential_id, user_handle = _claimed(credential)
    passkey = Passkey.objects.select_related("account").filter(credential_id=credential_id).first()
    if passkey is None or not passkey.account.is_active:
        raise UnableToComplete("no such passkey")
    if pending.allowed and credential_id not in pending.allowed:  # step 5
        raise UnableToComplete("not a passkey of this account")
    if user_handle != passkey.user_handle and (user_handle or not pending.allowed):  # step 6
        raise UnableToComplete("the user handle is another's")
    _check_same_origin(credential)
    try:
        verified = webauthn.verify_authentication_response(
            credential=dict(credential),
            expected_challenge=pending.challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=bytes(passkey.public_key),
            credential_current_sign_count=0,  # compared below, once the signature is known to be good
            require_user_verification=True,
        )
    except Exception as error:  # the library raises many kinds for malformed input
        raise UnableToComplete(f"assertion refused: {error}") from error
    _advance(passkey, verified.new_sign_count, backed_up=verified.credential_backed_up)
    return VerifiedAssertion(passkey.account, passkey)


def claimed_credential(credential: Mapping[str, Any]) -> bytes:
    """The credential ID that an answer names, unverified; empty when it names none. For throttling only."""
    try:
        return _claimed(credential)[0]
    except UnableToComplete:
        return b""


def _claimed(credential: Mapping[str, Any]) -> tuple[bytes, bytes]:
    response = credential.get("response")
    if not isinstance(response, Mapping):
        raise UnableToComplete("no response in the credential")
    handle = response.get("userHandle")
    try:
        return (
            strict_json.b64decode(strict_json.string(credential, "id")),
            strict_json.b64decode(handle) if isinstance(handle, str) else b"",
        )
    except Refusal as error:
        raise UnableToComplete("the credential cannot be read") from error


def _check_same_origin(credential: Mapping[str, Any]) -> None:
    """The ceremony ran in our own page, not in a frame of another's (§5.8.1 crossOrigin, Level 3 topOrigin)."""
    response = credential.get("response")
    encoded = response.get("clientDataJSON") if isinstance(response, Mapping) else None
    try:
        data = strict_json.loads_object(strict_json.b64decode(encoded if isinstance(encoded, str) else "!"))
    except Refusal as error:
        raise UnableToComplete("the client data cannot be read") from error
    if data.get("crossOrigin", False) is not False or "topOrigin" in data:
        raise UnableToComplete("the ceremony ran in another's frame")


def _advance(passkey: Passkey, count: int, *, backed_up: bool) -> None:
    before = passkey.sign_count
    if (count or before) and count <= before:
        raise UnableToComplete("the signature counter went back", code="conflict")
    moved = Passkey.objects.filter(pk=passkey.pk, sign_count=before).update(sign_count=count, backed_up=backed_up)
    if moved != 1:  # another answer of the same passkey was first
        raise UnableToComplete("the signature counter moved meanwhile", code="conflict")


def _put(
    session: Session,
    purpose: str,
    challenge: bytes,
    *,
    user_handle: bytes,
    allowed: Sequence[bytes],
    notes: Mapping[str, Any],
    now: int,
) -> None:
    session[_KEY] = {
        "purpose": purpose,
        "challenge": strict_json.b64encode(challenge),
        "user_handle": strict_json.b64encode(user_handle),
        "allowed": [strict_json.b64encode(item) for item in allowed],
        "notes": dict(notes),
        "expires_at": now + CEREMONY_SECONDS,
    }


def _take(session: Session, purpose: str, now: int) -> _Pending:
    kept = session.pop(_KEY, None)
    if not isinstance(kept, dict) or kept["purpose"] != purpose:
        raise UnableToComplete("no ceremony was begun")
    if kept["expires_at"] <= now:
        raise UnableToComplete("the ceremony took too long")
    challenge = strict_json.b64decode(kept["challenge"])
    _spend(challenge, kept["expires_at"], now)
    return _Pending(
        challenge,
        strict_json.b64decode(kept["user_handle"]),
        tuple(strict_json.b64decode(item) for item in kept["allowed"]),
        kept["notes"],
    )


def _spend(challenge: bytes, expires_at: int, now: int) -> None:
    """Two requests that read one session at once would both find the challenge there: the insert lets one pass."""
    SpentChallenge.objects.filter(expires_at__lt=now).delete()
    try:
        with transaction.atomic():
            SpentChallenge.objects.create(challenge=challenge, expires_at=expires_at)
    except IntegrityError as error:
        raise UnableToComplete("the challenge was answered already") from error
