"""Why the wallet could not go on: a closed list of codes, each with words for the traveller in every language."""

CODES = frozenset(
    {
        # the request that came to the phone
        "invalid_request",
        "not_found",
        # trust and the way there
        "provider_unreachable",
        "provider_untrusted",
        "messenger_unreachable",
        "messenger_refused",
        # authorization
        "state_unknown",
        "issuer_mismatch",
        "consent_denied",
        "authorization_refused",
        "token_not_bound",
        "grant_too_wide",
        "consent_needed",
        # border tokens; the first ten are the issuer's own problem codes
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
        "issuance_refused",
        "border_token_untrusted",
        "border_token_not_for_us",
        # presentation
        "token_expired",
        "challenge_refused",
        "lane_unreachable",
        "lane_refused",
        "qr_only_cwt",
    }
)


class UnableTo(Exception):
    """The wallet stops here. ``code`` is of `CODES`; ``detail`` is for the log."""

    def __init__(self, code: str, detail: str = "") -> None:
        if code not in CODES:
            raise RuntimeError(f"{code} has no words for the traveller")
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code, self.detail = code, detail
