"""What the page says of each message, parameter, claim and error of the login, in the officer's language."""

from typing import Any

from django.utils.translation import gettext as _

from idp.oidc.errors import ERRORS


def catalogue() -> dict[str, Any]:
    """For the script: ``{"texts", "messages", "parameters", "claims", "errors"}``."""
    return {
        "texts": _texts(),
        "messages": _messages(),
        "parameters": _parameters(),
        "claims": _claims(),
        "errors": errors(),
    }


def mistakes() -> list[tuple[str, str]]:
    """What may go wrong on purpose: a name for the script, and what the officer chooses."""
    return [
        ("", _("none")),
        ("redirect", _("a redirect URI that is not registered")),
        ("verifier", _("another code verifier than the challenge is of")),
        ("key", _("another DPoP key than the code is bound to")),
        ("twice", _("the code is redeemed twice")),
    ]


def scopes() -> list[tuple[str, str]]:
    """What may be asked for beside ``openid``."""
    return [
        ("profile", _("name, birthdate and the like")),
        ("email", _("e-mail address")),
        ("phone", _("phone number")),
        ("address", _("postal address")),
    ]


def errors() -> dict[str, str]:
    """By error code, why it is answered. Those that say enough by themselves are left as the node words them."""
    told = {
        "invalid_request": _("Something in the request is not as it must be, such as an unregistered redirect URI."),
        "invalid_client": _("The client did not prove who it is, or its hour is over."),
        "invalid_grant": _("The code is used, expired, or not for this client, verifier or key."),
        "invalid_dpop_proof": _("The proof does not fit the request, or was seen before."),
        "use_dpop_nonce": _("The node wants its own fresh value in the proof. The request comes again with it."),
        "invalid_token": _("The token has ended, or does not fit the key."),
        "access_denied": _("The traveller said no, or nobody of this account may say yes."),
        "invalid_request_uri": _("The pushed request is used, or older than a minute and a half."),
        "unauthorized_client": _("An officer stopped the client."),
        "login_required": _("Nobody is logged in, and no page was allowed."),
        "temporarily_unavailable": _("The node cannot answer just now."),
    }
    return {**{code: text for code, (_status, text) in ERRORS.items()}, **told}


def _messages() -> dict[str, list[str]]:
    return {
        "begin": [
            _("A key is made and registered"),
            _("The browser makes a key pair. The private key never leaves it; the public one is good for an hour."),
        ],
        "discovery": [
            _("The node says what it can"),
            _("A client reads the addresses and abilities of the provider (OpenID Connect Discovery)."),
        ],
        "par": [
            _("The request is pushed"),
            _(
                "The client sends its request from server to server and proves who it is, so that nothing of it passes "
                "through the traveller's browser (RFC 9126)."
            ),
        ],
        "authorize": [
            _("The traveller's browser is sent to the node"),
            _("In the window the traveller logs in and decides. The client learns nothing before that."),
        ],
        "returned": [
            _("The window comes back"),
            _("The node sends the browser back with a code or an error. State and issuer must be those expected."),
        ],
        "token": [
            _("The code is exchanged for tokens"),
            _("The code alone is worth nothing: it takes the client's key, and the verifier of the challenge."),
        ],
        "keys": [
            _("The node's keys"),
            _("With these public keys anybody can verify what the node signed (RFC 7517)."),
        ],
        "id_token": [
            _("The ID token is verified"),
            _("It says who logged in, when and how, for this client and this request (OpenID Connect Core)."),
        ],
        "userinfo": [
            _("What the traveller allowed is asked for"),
            _("The access token opens userinfo. Only what the traveller agreed to is told."),
        ],
        "again": [
            _("The code is redeemed a second time"),
            _("A code that comes twice was stolen: the node refuses it and ends what came of it (RFC 6749)."),
        ],
        "end": [
            _("The trial is over"),
            _("The client is forgotten, what it was given has ended, and the window is logged out."),
        ],
    }


def _texts() -> dict[str, str]:
    return {
        "request": _("Request"),
        "answer": _("Answer"),
        "value": _("value"),
        "means": _("what it is for"),
        "name": _("name"),
        "jwtHeader": _("header"),
        "claims": _("claims"),
        "holds": _("The signature holds, by the key %s."),
        "fails": _("The signature does NOT hold."),
        "ours": _("Signed in this page."),
        "open": _("Open the traveller's window"),
        "waiting": _("Waiting for the window. It can be opened again."),
        "closed": _("The window was closed before it came back. Open it again, or end the trial."),
        "page": _(
            "If the window shows an error page, the node did not trust the address enough to send anybody there."
        ),
        "stateWrong": _("The state is not the one that was sent: somebody else's answer."),
        "issuerWrong": _("The answer is of another issuer."),
        "told": _("a detail that the traveller agreed to tell"),
        "unreachable": _("The node did not answer."),
        "checked": _("issuer, audience, nonce and time are as expected"),
        "unchecked": _("issuer, audience, nonce or time are NOT as expected"),
        "failed": _("not as expected"),
        "passed": _("passed"),
    }


def _parameters() -> dict[str, str]:
    return {
        "client_id": _("which client asks"),
        "response_type": _("code: nothing but a code may come through the browser"),
        "redirect_uri": _("where the browser is sent back to; must be registered, letter for letter"),
        "scope": _("what is asked for, in groups"),
        "state": _("a random word that must come back, so that no foreign answer is taken"),
        "nonce": _("a random word that must stand in the ID token, so that none is used twice"),
        "code_challenge": _("the hash of a secret that only this client knows (PKCE, RFC 7636)"),
        "code_challenge_method": _("how the hash is made"),
        "code_verifier": _("the secret itself, now that it can be compared"),
        "client_assertion_type": _("how the client proves who it is: by a signed statement (RFC 7523)"),
        "client_assertion": _("the signed statement; good once, for a minute"),
        "request": _("the whole request, signed by the client (RFC 9101)"),
        "request_uri": _("the number under which the node keeps the pushed request; good once, for 90 seconds"),
        "expires_in": _("seconds until it ends"),
        "grant_type": _("what is exchanged"),
        "code": _("good once, for a minute"),
        "access_token": _("opens what the traveller allowed"),
        "token_type": _("DPoP: good with the client's key alone; Bearer: good for whoever has it"),
        "id_token": _("who logged in"),
        "DPoP": _("proof of the key for this one request (RFC 9449)"),
        "DPoP-Nonce": _("the node's fresh value for the next proof"),
        "Authorization": _("the access token, and how it is to be used"),
        "iss": _("who answers (RFC 9207)"),
        "error": _("why not"),
        "error_description": _("the same in a sentence"),
        "prompt": _("which page must be shown"),
        "issuer": _("the name of the provider"),
        "authorization_endpoint": _("where browsers are sent"),
        "token_endpoint": _("where codes are exchanged"),
        "pushed_authorization_request_endpoint": _("where requests are pushed"),
        "userinfo_endpoint": _("where claims are told"),
        "jwks_uri": _("where its keys are"),
        "keys": _("public keys"),
        "jwk": _("the public key"),
        "expires_at": _("when the client is forgotten"),
        "profile": _("which rules hold"),
    }


def _claims() -> dict[str, str]:
    return {
        "alg": _("how it is signed"),
        "typ": _("what kind of statement it is"),
        "kid": _("by which key"),
        "jwk": _("the public key that the sender proves"),
        "iss": _("who says it"),
        "sub": _("about whom; another number at each client"),
        "aud": _("for whom it is meant"),
        "exp": _("until when it is good"),
        "iat": _("when it was said"),
        "nbf": _("from when it is good"),
        "jti": _("its number; good once"),
        "htm": _("the method of the request"),
        "htu": _("the address of the request"),
        "ath": _("the hash of the access token that goes with it"),
        "nonce": _("the random word of the request, or the node's fresh value"),
        "cnf": _("the key without which it is worth nothing"),
        "acr": _("how surely the traveller logged in"),
        "amr": _("by which means"),
        "auth_time": _("when the traveller logged in"),
        "at_hash": _("the hash of the access token beside it"),
        "sid": _("the session, for a logout"),
        "grant": _("the consent on which it hangs"),
    }
