"""Which of our answers a client wants encrypted, and how (OpenID Connect Registration §2, JARM §3)."""

from collections.abc import Mapping
from typing import Any

from idp.oidc.errors import OAuthError
from idp.protocol import encrypted_response

ID_TOKEN, USERINFO, AUTHORIZATION = "id_token", "userinfo", "authorization"
ANSWERS = (ID_TOKEN, USERINFO, AUTHORIZATION)
MEMBERS = tuple(f"{answer}_encrypted_response_{part}" for answer in ANSWERS for part in ("alg", "enc"))


def published(*answers: str) -> dict[str, list[str]]:
    """What metadata says of them (OpenID Connect Discovery §3, JARM §4)."""
    offered = {"alg": encrypted_response.ALGORITHMS, "enc": encrypted_response.ENCRYPTIONS}
    return {
        f"{answer}_encryption_{part}_values_supported": list(values)
        for answer in answers
        for part, values in offered.items()
    }


def registered(metadata: Mapping[str, Any], answer: str) -> tuple[str, str] | None:
    """The client's ``…_encrypted_response_alg`` and ``…_enc`` for ``answer``, if it has them."""
    algorithm = metadata.get(f"{answer}_encrypted_response_alg", "none")
    if algorithm == "none":
        return None
    return algorithm, metadata.get(f"{answer}_encrypted_response_enc", encrypted_response.DEFAULT_ENCRYPTION)


def completed(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """``metadata`` with the encryption that is taken where the client named none."""
    chosen = {answer: registered(metadata, answer) for answer in ANSWERS}
    return {**metadata, **{f"{answer}_encrypted_response_enc": way[1] for answer, way in chosen.items() if way}}


def wanted(metadata: Mapping[str, Any]) -> bool:
    """Whether any answer shall be encrypted."""
    return any(registered(metadata, answer) for answer in ANSWERS)


def check(metadata: Mapping[str, Any]) -> None:
    """Whether a client that registers ``metadata`` can be given what it wants (OpenID Connect Registration §2).

    Raises `OAuthError` (invalid_metadata).
    """
    if metadata.get("introspection_encrypted_response_alg", "none") != "none":  # RFC 9701 §6, in clear here
        raise OAuthError("invalid_metadata", "answers about tokens are not encrypted")
    for answer in ANSWERS:
        chosen = registered(metadata, answer)
        if chosen is None:
            if f"{answer}_encrypted_response_enc" in metadata:
                raise OAuthError("invalid_metadata", f"{answer}_encrypted_response_enc without alg")
            continue
        algorithm, encryption = chosen
        if algorithm not in encrypted_response.ALGORITHMS or encryption not in encrypted_response.ENCRYPTIONS:
            raise OAuthError("invalid_metadata", f"an encryption of {answer} that is not given here")
        if "jwks" not in metadata:
            continue  # what stands behind a URL is found out when it is needed
        if encrypted_response.recipient(metadata["jwks"], algorithm=algorithm, encryption=encryption) is None:
            raise OAuthError("invalid_metadata", f"no key to encrypt {answer} to by {algorithm}")
