"""A border token, just in time: asked for with the grant and a proof of the holder key, checked before it is kept."""

import base64
import binascii
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from idp.protocol import border_token, face_references, strict_json
from idp.protocol.authorization_details import parse_border_crossing
from idp.protocol.border_token import BorderToken
from idp.protocol.holder_key import prove_holder_key
from idp.protocol.jws import LEEWAY
from idp.protocol.keys import PrivateKey
from idp.protocol.refusals import Refusal
from idp.wallet.errors import UnableTo
from idp.wallet.faces import Carrier
from idp.wallet.keys import Keyring
from idp.wallet.speaking import Answer, Speaker
from idp.wallet.store import Grant, Store, StoredToken
from idp.wallet.trust import Provider

# The issuer's problem codes (docs/protocol.md) that mean something to the traveller; others become issuance_refused.
PROBLEMS = frozenset(
    {
        "invalid_target",
        "document_not_eligible",
        "insufficient_user_authentication",
        "face_not_enrolled",
        "face_model_unsupported",
        "consent_exhausted",
        "guardianship_ended",
        "device_revoked",
        "rate_limited",
        "temporarily_unavailable",
    }
)


def receiving_authority(checkpoint: str) -> str:
    """The authority that a checkpoint belongs to: ``{node}/checkpoints/{code}`` is hosted by its node."""
    node, separator, code = checkpoint.rpartition("/checkpoints/")
    if not separator or not node or not code or "/" in code:
        raise UnableTo("invalid_target", "not a checkpoint's entity identifier")
    return node


def find_grant(
    grants: Sequence[Grant], *, checkpoint: str, direction: str, document: str | None, now: int
) -> tuple[Grant, str]:
    """The newest grant that covers the request, and the document it names. Raises `UnableTo` (consent_needed)."""
    for grant in grants:
        for detail in grant.details:
            found = covers(detail, checkpoint, direction, document, now)
            if found is not None:
                return grant, found
    raise UnableTo("consent_needed", "no grant for this checkpoint and direction")


def fetch_token(
    *,
    checkpoint: str,
    direction: str,
    document: str | None = None,
    form: str,
    provider: Provider,
    grant: Grant,
    keyring: Keyring,
    speaker: Speaker,
    store: Store,
    now: int,
) -> StoredToken:
    """Ask ``provider`` for one border token in ``form`` (``jwt`` or ``cwt``), check it and keep it.

    ``document`` is the issuer's reference; None takes the one that the grant names. Raises `UnableTo`.
    """
    grant, document = find_grant([grant], checkpoint=checkpoint, direction=direction, document=document, now=now)
    holder = keyring.holder(receiving_authority(checkpoint))
    asked = {"checkpoint": checkpoint, "direction": direction, "document": document, "format": form}

    def ask(carried: Mapping[str, bytes]) -> Answer:
        proof = possession(holder, provider, grant, now=now)
        faces = {"face_references": face_references.wire(carried)} if carried else {}
        body = {**asked, **proof, **faces}
        return speaker.post_json(provider.border_token_endpoint, body, access_token=grant.access_token)

    answer = Carrier(provider, document, grant, speaker, store).asking(ask)
    if answer.status != 201:
        refused(answer, grant, store)
    raw = read(answer.value, form)
    verified = check_token(raw, checkpoint=checkpoint, direction=direction, provider=provider, holder=holder, now=now)
    token = stored(verified, raw, form)
    store.keep_token(token)
    return token


def stored(verified: BorderToken, raw: str | bytes, form: str, *, group: str = "", name: str = "") -> StoredToken:
    """A token that was found good, as it is kept."""
    return StoredToken(
        id=verified.jti.hex(),
        checkpoint=verified.aud,
        direction=verified.direction,
        format=form,
        body=raw,
        document_type=verified.document_type,
        issued_at=verified.iat,
        expires_at=verified.exp,
        group=group,
        name=name,
    )


def possession(holder: PrivateKey, provider: Provider, grant: Grant, *, now: int) -> dict[str, Any]:
    """The members of a token request that prove the holder's key."""
    proof = prove_holder_key(
        holder=holder,
        audience=provider.entity_id,
        access_token=grant.access_token,
        now=now,
        jti=secrets.token_urlsafe(16),
    )
    return {"holder_key": {name: holder.public.jwk()[name] for name in ("kty", "crv", "x", "y")}, "proof": proof}


def check_token(
    raw: str | bytes, *, checkpoint: str, direction: str, provider: Provider, holder: PrivateKey, now: int
) -> BorderToken:
    """Verify a border token as its holder: signed by this provider, for this checkpoint, direction and key, alive.

    Raises `UnableTo`: border_token_untrusted, or border_token_not_for_us.
    """
    try:
        token = border_token.verify(raw, keys=provider.border_keys, now=now)
    except Refusal as error:
        raise UnableTo("border_token_untrusted", str(error)) from error
    if token.iss != provider.entity_id:
        raise UnableTo("border_token_untrusted", "another issuer")
    if token.aud != checkpoint or token.direction != direction:
        raise UnableTo("border_token_not_for_us", "another checkpoint or direction than was asked for")
    if token.holder.jkt != holder.public.thumbprint:
        raise UnableTo("border_token_not_for_us", "bound to a key that is not this phone's")
    if not token.nbf - LEEWAY <= now < token.exp:
        raise UnableTo("border_token_not_for_us", "not valid now")
    return token


def covers(detail: Mapping[str, Any], checkpoint: str, direction: str, document: str | None, now: int) -> str | None:
    """The document that ``detail`` names, where it is good for this gate now, and for ``document`` if one is given."""
    try:
        consent = parse_border_crossing(detail, now=now)
    except Refusal:
        return None  # it has ended
    fits = (
        checkpoint in consent.locations
        and direction in consent.directions
        and consent.valid_from <= now < consent.valid_until
        and document in (None, consent.document)
    )
    return consent.document if fits else None


def refused(answer: Answer, grant: Grant, store: Store) -> None:
    """Raise `UnableTo` for what the issuer answered instead of a token."""
    if answer.error in ("invalid_token", "device_revoked", "insufficient_user_authentication"):
        store.drop_grants(access_token=grant.access_token)  # it will not be taken again: ask for consent anew
    code = answer.error if answer.error in PROBLEMS else "issuance_refused"
    raise UnableTo("consent_needed" if answer.error == "invalid_token" else code, f"status {answer.status}")


def read(value: Mapping[str, Any], form: str) -> str | bytes:
    """The token in one answer; raises `UnableTo`."""
    try:
        text = strict_json.string(value, "token", max_length=16_384)
        if value.get("format", form) != form:
            raise UnableTo("border_token_not_for_us", "another form than was asked for")
        return text if form == "jwt" else base64.b64decode(text, validate=True)
    except (Refusal, binascii.Error, ValueError) as error:
        raise UnableTo("border_token_untrusted", "the answer holds no token") from error
