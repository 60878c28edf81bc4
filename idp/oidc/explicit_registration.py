"""Explicit registration (OpenID Federation 1.0 §12.2): a relying party posts its configuration, made for us.

The chain begins at what was posted, and not at what stands at the relying party's own address: it may have chosen its
metadata for this provider, and need not publish any. A superior is asked what it says about the relying party.
"""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from idp import conf
from idp.federation import discovery, fetching, resolution, signing, statements
from idp.oidc import client_metadata, encrypted_answers, registration
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client
from idp.protocol import client_jwt, registration_response, strict_json, trust_chain
from idp.protocol.entity_statements import EntityConfiguration, parse_registration_request
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.trust_chain import TrustChain

STATEMENT_TYPE, CHAIN_TYPE = "application/entity-statement+jwt", "application/trust-chain+json"
MAX_BODY = 131_072  # bytes; a chain of eight statements has some 30,000
MAX_SUPERIORS = 3  # hints that are followed: nobody is authenticated yet, and each may cost a search

Path = tuple[str, ...]  # the statements above the relying party's own


def register(content_type: str, body: bytes, *, now: int) -> str:
    """Register who posted ``body``; the signed answer. A new registration replaces the one before.

    Raises `OAuthError` (§8.9): invalid_request, too_large, invalid_trust_anchor, invalid_trust_chain, invalid_metadata;
    `Unavailable`.
    """
    text, sent = _read(content_type, body)
    try:
        request, header = parse_registration_request(text, audience=conf.authority().entity_id, now=now)
        sent = sent or client_jwt.header_chain(header, "trust_chain")
        peer = client_jwt.header_chain(header, "peer_trust_chain")
    except Refusal as refusal:
        raise OAuthError("invalid_request", str(refusal)) from refusal
    if content_type == CHAIN_TYPE and (peer or "trust_chain" in header):
        raise OAuthError("invalid_request", "a chain in the header of a chain")
    if peer is not None:  # one anchor, ours, so both chains end in the same (§12.2.1)
        registration.sent_chain(peer, conf.authority().entity_id, now=now)
    chain = _chain(request, _sent_path(request, sent, whole=content_type == CHAIN_TYPE, now=now), now=now)
    client = _registered(request, chain, now=now)
    return registration_response.sign(
        provider=conf.authority().entity_id,
        client_id=client.client_id,
        metadata=client.metadata,
        jwks=request.claims["jwks"],
        trust_anchor=chain.anchor,
        superior=chain.path[1],
        now=now,
        expires_at=chain.expires_at,
        signer=signing.signer("federation"),
    )


def _read(content_type: str, body: bytes) -> tuple[str, tuple[str, ...] | None]:
    """The relying party's configuration, and the chain that it heads when one was posted."""
    if len(body) > MAX_BODY:
        raise OAuthError("too_large", "body")
    if content_type == STATEMENT_TYPE:
        return body.decode("ascii", "replace"), None
    if content_type != CHAIN_TYPE:
        raise OAuthError("invalid_request", f"send {STATEMENT_TYPE} or {CHAIN_TYPE}")
    try:
        texts = client_jwt.header_chain({"chain": strict_json.loads(body)}, "chain")
    except Refusal as refusal:
        raise OAuthError("invalid_request", "not a trust chain") from refusal
    if texts is None or len(texts) < 2:
        raise OAuthError("invalid_request", "not a trust chain")
    return texts[0], texts


def _sent_path(request: EntityConfiguration, sent: Path | None, *, whole: bool, now: int) -> Path | None:
    """The statements above, of the chain that was sent, verified in full; raises `OAuthError` (invalid_trust_chain).

    A header's chain shows a way only: its first statement may be another than the request (§12.2.2).
    """
    if sent is None:
        return None
    if not whole:
        registration.sent_chain(sent, request.sub, now=now)
    return sent[1:]


def _chain(request: EntityConfiguration, sent: Path | None, *, now: int) -> TrustChain:
    """The chain from what was posted to us: by our own search, or by the one that was sent while nobody answers."""
    try:
        verified = _verified(request, sent, now=now) if sent is not None else None
    except Refusal as error:
        raise OAuthError("invalid_trust_chain", error.detail) from error
    superiors = _superiors(request) if verified is None else [verified.path[1]]
    why: Refusal | Unavailable = Refusal(Reason.UNTRUSTED_ISSUER, "no authority hints")
    for superior in superiors:
        try:
            return _verified(request, _above(superior, request.sub, now=now), now=now)
        except (Refusal, Unavailable) as error:
            why = why if isinstance(why, Unavailable) else error
    if isinstance(why, Unavailable):
        if verified is None:
            raise why
        return verified
    raise registration.refused(why) from why


def _superiors(request: EntityConfiguration) -> Sequence[str]:
    """The hints that are followed, ourselves first: then nobody has to be asked."""
    node = conf.authority().entity_id
    return sorted(request.authority_hints, key=lambda hint: hint != node)[:MAX_SUPERIORS]


def _above(superior: str, subject: str, *, now: int) -> Path:
    """What ``superior`` says about ``subject``, and the statements above it. Raises `Refusal` or `Unavailable`."""
    if superior == conf.authority().entity_id:
        try:
            return statements.subordinate_statement(subject, now), statements.entity_configuration(now)
        except statements.UnableToState as error:
            raise Refusal(Reason.UNTRUSTED_ISSUER, "this node states nothing about it") from error
    chain = resolution.resolve(superior, now=now)
    url = discovery.statement_url(chain.metadata, subject)
    return fetching.fetcher(now)(url), *chain.statements[1:]


def _verified(request: EntityConfiguration, above: Path, *, now: int) -> TrustChain:
    chain = trust_chain.verify_chain(
        (request.text, *above),
        anchors=resolution.anchors(now),
        now=now,
        subject=request.sub,
        registration_audience=conf.authority().entity_id,
    )
    resolution.refuse_broken(chain.path, now=now)
    return chain


@transaction.atomic
def _registered(request: EntityConfiguration, chain: TrustChain, *, now: int) -> Client:
    """Store what the chain makes of the request; raises `OAuthError` (invalid_metadata, invalid_request)."""
    metadata = registration.metadata_of(chain, registration=Client.Registration.EXPLICIT)
    known = Client.objects.select_for_update().filter(client_id=chain.entity_id).first()
    if known is not None and known.registration == Client.Registration.ADMIN:
        raise OAuthError("invalid_request", "an officer registered this client")
    if known is not None and known.stated_at is not None and request.iat < known.stated_at:
        raise OAuthError("invalid_request", "older than the registration that it would replace")
    return registration.store(
        _complete(metadata, known),
        chain=chain,
        registration=Client.Registration.EXPLICIT,
        now=now,
        stated_at=request.iat,
    )


def _complete(metadata: dict[str, Any], known: Client | None) -> dict[str, Any]:
    """The metadata with what we take where nothing is said, or something else: the answer tells (§12.2.3)."""
    profile = client_metadata.profile(metadata, before=known.profile if known is not None else None)
    border = profile == Client.Profile.BORDER
    defaults: dict[str, Any] = {
        "client_registration_types": ["explicit"],
        "token_endpoint_auth_method": client_metadata.PRIVATE_KEY_JWT,
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
        "id_token_signed_response_alg": client_metadata.ID_TOKEN_ALGORITHMS[0],
    }
    ours = {"subject_type": "pairwise", **({"id_token_signed_response_alg": "ES256"} if border else {})}
    return encrypted_answers.completed({**defaults, **metadata, **ours})
