"""The beginnings of the module names of the OpenID Foundation's plans, and the names that are not judged here."""

FAPI = "fapi2-security-profile-final-"
OPENID = "oidcc-"
NOT_JUDGED = {
    f"{FAPI}client-refresh-token-test": "judges a client",
    f"{FAPI}ensure-server-handles-non-matching-intent-id": "open banking of the United Kingdom only",
    f"{FAPI}test-essential-acr-sca-claim": "open banking of the United Kingdom only",
    f"{OPENID}ensure-request-without-nonce-fails": "implicit and hybrid flows only",
    f"{OPENID}frontchannel-rp-initiated-logout": "front-channel logout, which is not offered",
    f"{OPENID}frontchannel-logout-discovery-endpoint-verification": "front-channel logout",
    f"{OPENID}session-management-discovery-endpoint-verification": "session management, which is not offered",
    f"{OPENID}session-management-rp-initiated-logout": "session management",
}
