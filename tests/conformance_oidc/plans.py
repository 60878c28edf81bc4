"""The OpenID Foundation's plans for providers: the names of their modules, and those that no test judges, with why.

A test says by `module` or `each` for which modules of which plans it stands. `test_plans.py` compares.
"""

import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pytest

from tests.conformance import modules


class Plan(NamedTuple):
    """``modules`` are named without ``prefix``."""

    name: str
    prefix: str
    modules: tuple[str, ...]

    @property
    def judge(self) -> str:
        """Who judges, as the report says it."""
        return f"conformance-suite {self.name}"


_OPENID, _FAPI = "oidcc-", "fapi2-security-profile-final-"
_BASIC = """
    server response-type-missing idtoken-signature idtoken-unsigned userinfo-get userinfo-post-header userinfo-post-body
    ensure-request-without-nonce-succeeds-for-code-flow scope-profile scope-email scope-address scope-phone scope-all
    alternate-happy-flow display-page display-popup prompt-login prompt-none-not-logged-in prompt-none-logged-in
    max-age-1 max-age-10000 ensure-request-with-unknown-parameter-succeeds id-token-hint login-hint ui-locales
    claims-locales ensure-request-with-acr-values-succeeds codereuse codereuse-30seconds ensure-registered-redirect-uri
    ensure-post-request-succeeds server-client-secret-post
    request-uri-unsigned-supported-correctly-or-rejected-as-unsupported
    unsigned-request-object-supported-correctly-or-rejected-as-unsupported claims-essential
    ensure-request-object-with-redirect-uri refresh-token ensure-request-with-valid-pkce-succeeds
"""
_DYNAMIC = """
    idtoken-rs256 idtoken-unsigned userinfo-rs256 ensure-redirect-uri-in-authorization-request redirect-uri-query-OK
    redirect-uri-query-mismatch redirect-uri-query-added redirect-uri-regfrag discovery-endpoint-verification server
    registration-logo-uri registration-policy-uri registration-tos-uri registration-jwks-uri registration-sector-uri
    registration-sector-bad server-rotate-keys refresh-token-rp-key-rotation request-uri-unsigned
    request-uri-signed-rs256 ensure-request-object-with-redirect-uri refresh-token
    ensure-client-assertion-with-iss-aud-succeeds
"""
_LOGOUT = """
    rp-initiated-logout-discovery-endpoint-verification rp-initiated-logout
    rp-initiated-logout-bad-post-logout-redirect-uri rp-initiated-logout-modified-id-token-hint
    rp-initiated-logout-no-id-token-hint rp-initiated-logout-no-params rp-initiated-logout-no-post-logout-redirect-uri
    rp-initiated-logout-no-state rp-initiated-logout-only-state
    rp-initiated-logout-query-added-to-post-logout-redirect-uri rp-initiated-logout-bad-id-token-hint
"""
_SECURITY = """
    discovery-end-point-verification happy-flow user-rejects-authentication
    ensure-authorization-request-without-state-success ensure-authorization-request-without-nonce-success
    ensure-authorization-request-with-64-char-nonce-success ensure-other-scope-order-succeeds
    test-claims-parameter-identity-claims access-token-type-header-case-sensitivity check-dpop-proof-nbf-exp
    ensure-dpopproof-with-iat-10seconds-before-succeeds ensure-dpopproof-with-iat-10seconds-after-succeeds
    ensure-mismatched-dpop-jkt-fails ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt
    ensure-token-endpoint-fails-with-mismatched-dpop-jkt ensure-dpopproof-at-par-endpoint-binding-success
    ensure-dpop-auth-code-binding-success ensure-different-nonce-inside-and-outside-request-object
    ensure-different-state-inside-and-outside-request-object ensure-authorization-request-with-long-nonce
    ensure-authorization-request-with-long-state state-only-outside-request-object-not-used
    ensure-request-object-without-redirect-uri-fails ensure-registered-redirect-uri
    plain-fapi-tolerate-unregistered-redirect-uri ensure-unsigned-authorization-request-without-using-par-fails
    ensure-redirect-uri-in-authorization-request ensure-response-type-code-idtoken-fails
    australia-connectid-ensure-invalid-purpose-fails ensure-response-type-token-fails ensure-client-id-in-token-endpoint
    ensure-holder-of-key-required ensure-authorization-code-is-bound-to-client
    attempt-reuse-authorization-code-after-one-second ensure-token-endpoint-fails-with-expired-auth-code
    ensure-signed-client-assertion-with-RS256-fails ensure-client-assertion-in-token-endpoint
    ensure-client-assertion-with-exp-is-5-minutes-in-past-fails ensure-client-assertion-with-wrong-aud-fails
    ensure-client-assertion-with-no-sub-fails dpop-negative-tests refresh-token
    ensure-server-handles-non-matching-intent-id test-essential-acr-sca-claim brazil-ensure-bad-payment-signature-fails
    australia-connectid-test-claims-parameter-idtoken-identity-claims
    par-ensure-reused-request-uri-prior-to-auth-completion-succeeds par-attempt-reuse-request_uri
    par-attempt-to-use-expired-request_uri par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted
    par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails
    par-attempt-to-use-request_uri-for-different-client par-authorization-request-containing-request_uri-form-param
    par-attempt-invalid-http-method par-ensure-pkce-required ensure-pkce-code-verifier-required
    incorrect-pkce-code-verifier-rejected par-plain-pkce-rejected par-without-duplicate-parameters
    par-test-array-as-audience-fails par-test-par-endpoint-url-as-audience-fails
    par-test-token-endpoint-url-as-audience-fails
"""
_SIGNED = """
    ensure-request-object-with-multiple-aud-succeeds ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted
    ensure-request-object-without-exp-fails ensure-request-object-without-nbf-fails ensure-expired-request-object-fails
    ensure-request-object-with-bad-aud-fails ensure-request-object-with-exp-over-60-fails
    australia-connectid-ensure-request-object-with-exp-over-10-fails ensure-request-object-with-nbf-over-60-fails
    australia-connectid-ensure-request-object-with-nbf-over-15-fails ensure-signed-request-object-with-RS256-fails
    ensure-request-object-signature-algorithm-is-not-none ensure-request-object-with-invalid-signature-fails
    ensure-matching-key-in-authorization-request ensure-unsigned-request-at-par-endpoint-fails
    par-authorization-request-containing-request_uri
"""

BASIC = Plan("oidcc-basic", _OPENID, tuple(_BASIC.split()))
FORM_POST = Plan("oidcc-formpost-basic", _OPENID, BASIC.modules)
CONFIG = Plan("oidcc-config", _OPENID, ("discovery-endpoint-verification",))
DYNAMIC = Plan("oidcc-dynamic", _OPENID, tuple(_DYNAMIC.split()))
LOGOUT = Plan("oidcc-rp-initiated-logout", _OPENID, tuple(_LOGOUT.split()))
BACKCHANNEL = Plan(
    "oidcc-backchannel-rp-initiated-logout",
    _OPENID,
    ("backchannel-logout-discovery-endpoint-verification", "backchannel-rp-initiated-logout"),
)
INITIATED = Plan("oidcc-3rdparty-init-login", _OPENID, ("3rd_party-init-login", "3rd_party-init-login-nohttps"))
SECURITY = Plan("fapi2-security-profile-final", _FAPI, tuple(_SECURITY.split()))
SIGNING = Plan("fapi2-message-signing-final", _FAPI, (*SECURITY.modules, *_SIGNED.split()))
PLANS = (BASIC, FORM_POST, CONFIG, DYNAMIC, LOGOUT, BACKCHANNEL, INITIATED, SECURITY, SIGNING)
CONVENTIONAL, FAPI = (BASIC, FORM_POST), (SECURITY, SIGNING)

_UK, _AU = "open banking of the United Kingdom only", "ConnectID of Australia only"
_FAPI_LEFT = {
    "ensure-server-handles-non-matching-intent-id": _UK,
    "test-essential-acr-sca-claim": _UK,
    "brazil-ensure-bad-payment-signature-fails": "open finance of Brazil only",
    "australia-connectid-ensure-invalid-purpose-fails": _AU,
    "australia-connectid-test-claims-parameter-idtoken-identity-claims": _AU,
}
NOT_JUDGED: Mapping[Plan, Mapping[str, str]] = {
    DYNAMIC: {
        "discovery-endpoint-verification": "wants the implicit flow; `oidcc-config` judges the document",
        "registration-logo-uri": "a logo is kept and not shown: pages of the node load nothing from others",
        "request-uri-unsigned": "the node fetches no request objects, and says so",
        "request-uri-signed-rs256": "the node fetches no request objects, and says so",
    },
    SECURITY: _FAPI_LEFT,
    SIGNING: {
        **_FAPI_LEFT,
        "australia-connectid-ensure-request-object-with-exp-over-10-fails": _AU,
        "australia-connectid-ensure-request-object-with-nbf-over-15-fails": _AU,
    },
}
# Modules of plans that do not apply at all.
OTHER_PLANS: Mapping[str, str] = {
    "oidcc-ensure-request-without-nonce-fails": "implicit and hybrid flows, which are not offered",
    "oidcc-frontchannel-rp-initiated-logout": "front-channel logout, which is not offered",
    "oidcc-frontchannel-logout-discovery-endpoint-verification": "front-channel logout, which is not offered",
    "oidcc-session-management-discovery-endpoint-verification": "session management, which is not offered",
    "oidcc-session-management-rp-initiated-logout": "session management, which is not offered",
    "fapi2-security-profile-final-client-refresh-token-test": "judges a client",
}


def module(name: str, *among: Plan) -> pytest.MarkDecorator:
    """The test stands for this module in each of these plans, and is run for each: fixture ``plan``."""
    return pytest.mark.parametrize(
        "plan", [pytest.param(plan, id=plan.name, marks=_mark(name, plan)) for plan in among]
    )


def each(table: Iterable[str], *among: Plan) -> pytest.MarkDecorator:
    """The same for every module of ``table``; the test's ``case`` is the module's value there, or else its name."""
    values: Mapping[str, Any] = table if isinstance(table, Mapping) else {name: name for name in table}
    return pytest.mark.parametrize(
        ("plan", "case"),
        [
            pytest.param(plan, case, id=f"{plan.name}-{name}", marks=_mark(name, plan))
            for plan in among
            for name, case in values.items()
        ],
    )


def figures() -> list[str]:
    """Each plan with the number of its modules, and of those that are judged."""
    return [
        f"| `{plan.name}` | {len(set(plan.modules))} | {len(set(plan.modules)) - len(NOT_JUDGED.get(plan, {}))} |"
        for plan in PLANS
    ]


def unjudged() -> list[str]:
    """Every module that no test stands for, with the reason, one a line."""
    in_plans = [
        f"{plan.judge}: {plan.prefix}{name}: {reason}"
        for plan, left in NOT_JUDGED.items()
        for name, reason in left.items()
    ]
    return [*in_plans, *(f"{name}: {reason}" for name, reason in OTHER_PLANS.items())]


def _mark(name: str, plan: Plan) -> pytest.MarkDecorator:
    return modules.module(plan.prefix + name, plan.judge)


if __name__ == "__main__":
    sys.stdout.write("\n".join([*figures(), *unjudged(), ""]))
