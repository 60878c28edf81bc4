"""The node's metadata as ``border_token_issuer``, an entity type of ours (Federation §5.1 allows it)."""

from typing import Any

from idp.biometrics import engines
from idp.conf import authority
from idp.federation import signing

API = "/border/v1"  # what metadata names, others use; lanes know it by themselves


def border_token_issuer() -> dict[str, Any]:
    """Keys for border tokens and receipts, keys for status lists, endpoints and face models (protocol.md, Entities)."""
    node = authority()
    device = {"face_reference_endpoint": node.url(f"{API}/face-references")} if node.face_storage == "device" else {}
    return {
        **device,
        "jwks": signing.published("border").jwks(),
        "status_jwks": signing.published("status").jwks(),
        "status_list_aggregation_endpoint": node.url("/status/aggregation"),
        "border_token_endpoint": node.url(f"{API}/tokens"),
        "border_consents_endpoint": node.url(f"{API}/consents"),
        "crossing_receipt_endpoint": node.url(f"{API}/receipts"),
        "crossing_statement_endpoint": node.url(f"{API}/statements"),
        "face_models_supported": engines.models(),
        "jurisdiction": node.jurisdiction,
    }
