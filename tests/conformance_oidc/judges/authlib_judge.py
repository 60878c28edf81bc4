"""Authlib's client as a conventional and a federated relying party of the node, and its reader of access tokens."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import MismatchingStateError, OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6750 import InvalidTokenError
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from authlib.oidc import rpinitiated
from authlib.oidc.discovery import OpenIDProviderMetadata
from authlib_party import DISCOVERY, Party
from conversation import CLIENTS, ISSUER, edited, forged, module, refused, run, stays, visit
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidClaimError, MissingClaimError
from joserfc.jwk import ECKey


def with_id_token(change: Callable[[str], str]) -> Callable[[OAuth2Session], None]:
    """A session whose token answers have another ID token."""

    def altered(answer: requests.Response) -> requests.Response:
        told = answer.json()
        answer._content = json.dumps({**told, "id_token": change(told["id_token"])}).encode()
        return answer

    return lambda session: session.register_compliance_hook("access_token_response", altered)


class Reader(JWTBearerTokenValidator):
    """A resource server that has the node's keys."""

    def get_jwks(self) -> Any:
        return requests.get(requests.get(DISCOVERY, timeout=30).json()["jwks_uri"], timeout=30).json()

    def read(self, token: str) -> Any:
        claims = self.authenticate_token(token)
        self.validate_token(claims, ["openid"], None)
        return claims


@module("discovery")
def discovery() -> None:
    told = requests.get(DISCOVERY, timeout=30).json()
    OpenIDProviderMetadata(told).validate(metadata_classes=[rpinitiated.OpenIDProviderMetadata])
    plain = requests.get(f"{ISSUER}/.well-known/oauth-authorization-server", timeout=30).json()
    AuthorizationServerMetadata(plain).validate()
    for member, value in (
        ("issuer", f"{ISSUER}?x"),
        ("jwks_uri", "http://other.example/jwks"),
        ("response_types_supported", "code"),
    ):
        with refused(ValueError, member):
            OpenIDProviderMetadata({**told, member: value}).validate()


@module("basic-code")
def code() -> None:
    done = Party("basic").login()
    claims = done["token"]["userinfo"]
    assert claims["iss"] == ISSUER and claims["aud"] == "basic" and claims["nonce"], claims


@module("basic-client-secret-post")
def secret_in_form() -> None:
    Party("basic-post").login()
    with refused(OAuthError, "invalid_client"):
        Party("basic-post", client_secret="not the secret").login()


@module("basic-private-key-jwt")
def by_key() -> None:
    Party("basic-key").login()
    other = {**CLIENTS["border"]["key"], "kid": CLIENTS["basic-key"]["key"]["kid"]}
    with refused(OAuthError, "invalid_client"):
        Party("basic-key", key=other).login()


@module("basic-pkce")
def pkce() -> None:
    party = Party("basic")
    url = party.start()
    assert "code_challenge_method=S256" in url, url
    with refused(OAuthError, "invalid_grant"):
        party.finish(*visit(url.replace("code_challenge=", "code_challenge=" + 43 * "A" + "&x=")))


@module("basic-id-token")
def id_token() -> None:
    party, other = Party("basic"), Party("basic-other")
    before, foreign = party.login()["token"], other.login()["token"]
    for change, kind, text in (
        (forged, BadSignatureError, ""),
        (lambda text: edited(text, acr="another"), BadSignatureError, ""),
        (lambda _: before["id_token"], InvalidClaimError, "nonce"),
    ):
        with refused(kind, text):
            Party("basic", with_id_token(change)).login()
    with refused(MissingClaimError, "azp"):  # an audience that is not this client alone
        party.client.parse_id_token(foreign, nonce=foreign["userinfo"]["nonce"])
    with refused(InvalidClaimError, "iss"):
        elsewhere = {"iss": {"values": ["https://other.localhost"]}}
        party.client.parse_id_token(before, nonce=before["userinfo"]["nonce"], claims_options=elsewhere)
    with refused(InvalidClaimError, "at_hash"):
        mixed = {**before, "access_token": foreign["access_token"]}
        party.client.parse_id_token(mixed, nonce=before["userinfo"]["nonce"])


@module("basic-callback")
def callback() -> None:
    party = Party("basic")
    url, _ = visit(party.start())
    with refused(MismatchingStateError):
        party.finish(url.replace("state=", "state=x"))


@module("basic-form-post")
def form_post() -> None:
    party = Party("basic")
    url, form = visit(party.start(response_mode="form_post"))
    assert form is not None, "no form came"
    party.finish(url, form)


@module("basic-refusal-of-the-traveller")
def refusal() -> None:
    party = Party("basic")
    with refused(OAuthError, "access_denied"):
        party.finish(*visit(party.start(prompt="consent"), "deny"))


@module("basic-userinfo")
def userinfo() -> None:
    party = Party("basic", scope="openid profile")
    done = party.login()
    token = done["token"]
    assert party.known(token).status_code == 200
    assert party.known({**token, "access_token": forged(token["access_token"])}).status_code == 401


@module("basic-refresh")
def refresh() -> None:
    party = Party("basic", scope="openid offline_access")
    token = party.login(prompt="consent")["token"]
    session = party.session(token)
    with party.app.app_context():
        told = session.refresh_token(party.told("token_endpoint"), token["refresh_token"])
    assert told["refresh_token"] != token["refresh_token"] and party.known(told).status_code == 200
    with refused(OAuthError, "invalid_grant"):
        session.refresh_token(party.told("token_endpoint"), token["refresh_token"])


@module("basic-introspection")
def introspection() -> None:
    party, other = Party("basic"), Party("basic-other")
    token = party.login()["token"]["access_token"]
    asked = (party.told("introspection_endpoint"), token)
    told = party.session().introspect_token(*asked).json()
    assert told["active"] is True and told["client_id"] == "basic", told
    assert other.session().introspect_token(*asked).json() == {"active": False}


@module("basic-revocation")
def revocation() -> None:
    party, other = Party("basic"), Party("basic-other")
    token = party.login()["token"]
    asked = (party.told("revocation_endpoint"), token["access_token"], "access_token")
    assert other.session().revoke_token(*asked).status_code == 200 and party.known(token).status_code == 200
    assert party.session().revoke_token(*asked).status_code == 200 and party.known(token).status_code == 401


@module("basic-client-credentials")
def client_credentials() -> None:
    party = Party("basic-machine", scope="orders")
    told = party.session().fetch_token(party.told("token_endpoint"), grant_type="client_credentials")
    assert told["token_type"] == "Bearer" and told["scope"] == "orders" and "refresh_token" not in told, told
    with refused(OAuthError, "invalid_scope"):
        Party("basic-machine", scope="else").session().fetch_token(party.told("token_endpoint"))


@module("basic-jwt-access-token")
def access_token() -> None:
    token = Party("basic").login()["token"]["access_token"]
    assert Reader(ISSUER, ISSUER).read(token)["client_id"] == "basic"
    for reader, text in (
        (Reader(ISSUER, "https://other.localhost"), token),
        (Reader("https://other.localhost", ISSUER), token),
        (Reader(ISSUER, ISSUER), forged(token)),
    ):
        with refused(InvalidTokenError):
            reader.read(text)


@module("basic-logout")
def logout() -> None:
    party = Party("basic")
    token = party.login()["token"]
    back = party.own["post_logout_redirect_uris"][0]
    url, _ = visit(party.logout(post_logout_redirect_uri=back, id_token_hint=token["id_token"]))
    with refused(OAuthError, "state"):
        party.logged_out(url.replace("state=", "state=x"))
    assert party.logged_out(url)["post_logout_redirect_uri"] == back and party.known(token).status_code == 401


@module("federation-code")
def federated() -> None:
    """The library signs no requests; its JOSE does."""
    party, key = Party("federation"), CLIENTS["federation"]["key"]

    def signed(jwk: dict[str, Any]) -> str:
        url = urlsplit(party.start())
        now, who = int(time.time()), party.own["client_id"]
        claims = {"iss": who, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": generate_token(20)}
        header = {"alg": "ES256", "typ": "oauth-authz-req+jwt", "kid": key["kid"]}
        object_ = jwt.encode(header, {**dict(parse_qsl(url.query)), **claims}, ECKey.import_key(jwk))
        return url._replace(query=urlencode({"client_id": who, "request": object_})).geturl()

    done = party.finish(*visit(signed(key)))
    assert done["token"]["userinfo"]["aud"] == party.own["client_id"], done
    stays(party.start(), "invalid_request")
    stays(signed(CLIENTS["border"]["key"]), "invalid_request_object")


run()
