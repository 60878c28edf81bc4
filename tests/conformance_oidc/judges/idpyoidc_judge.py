"""idpyoidc as a conventional relying party of the node, and as one that registers itself."""

import json

from conversation import CLIENTS, ISSUER, WORLD, claims_of, edited, forged, heard, module, refused, run, stays, visit
from cryptography.exceptions import InvalidTag
from cryptojwt.exception import BadSignature
from cryptojwt.key_jar import build_keyjar
from idpyoidc.client.exception import OidcServiceError, ResponseError
from idpyoidc.client.oauth2.stand_alone_client import backchannel_logout
from idpyoidc.exception import MessageException, MissingRequiredAttribute, NotForMe, VerificationError
from idpyoidc_party import DPOP, JAR, PKCE, Alter, Party

TOKEN, USERINFO = "/oidc/token", "/oidc/userinfo"
BY_SECRET = {"authn_method": "client_secret_basic"}
SIGNING = {"request_object_signing_alg_values_supported": ["ES256"], "add_ons": {"pkce": PKCE, "jar": JAR}}
OWN_KEYS = [{"type": "EC", "crv": "P-256", "use": ["sig"]}, {"type": "RSA", "use": ["sig"]}]


def instead(member: str, change: Alter) -> Alter:
    """A change of one member of a JSON answer."""

    def altered(text: str) -> str:
        told = json.loads(text)
        return json.dumps({**told, member: change(told[member])})

    return altered


def closed(party: Party, state: str) -> None:
    """Userinfo takes the token no more. The library reads no challenge (RFC 6750 §3), and then misses the subject."""
    with refused(MissingRequiredAttribute, "sub"):
        party.client.get_user_info(state)
    refusal = party.seen[-1]
    assert refusal.status_code == 401 and 'error="invalid_token"' in refusal.headers["www-authenticate"]


@module("discovery")
def discovery() -> None:
    party = Party("basic")
    assert party.client.get_context().provider_info["issuer"] == ISSUER
    keys = party.client.get_attribute("keyjar")
    assert keys.get_verify_key("RSA", ISSUER) and keys.get_verify_key("EC", ISSUER)
    with refused(OidcServiceError, "issuer mismatch"):
        Party("basic", {"/.well-known/openid-configuration": instead("issuer", lambda _: "https://other.localhost")})


@module("basic-code")
def code() -> None:
    done = Party("basic").login()
    assert done["id_token"]["sub"] == done["userinfo"]["sub"] and done["id_token"]["aud"] == ["basic"], done


@module("basic-client-secret-post")
def secret_in_form() -> None:
    Party("basic-post").login()
    with refused(OidcServiceError, "invalid_client"):
        Party("basic-post", own={"client_secret": "not the secret that it has"}).login()


@module("basic-private-key-jwt")
def by_key() -> None:
    Party("basic-key").login()
    other = {**CLIENTS["border"]["key"], "kid": CLIENTS["basic-key"]["key"]["kid"]}
    with refused(OidcServiceError, "invalid_client"):
        Party("basic-key", own={"key": other}).login()


@module("basic-pkce")
def pkce() -> None:
    party = Party("basic")
    brought = party.arrive()
    assert party.held(brought["state"], "code_challenge")
    party.client.get_context().cstate.update(brought["state"], {"code_verifier": "another" * 10})
    with refused(OidcServiceError, "invalid_grant"):
        party.finish(brought)


@module("basic-id-token")
def id_token() -> None:
    party, other = Party("basic"), Party("basic-other")
    before, foreign = (each.held(each.login()["state"], "id_token") for each in (party, other))
    for change, kind in (
        (forged, BadSignature),
        (lambda text: edited(text, acr="another"), BadSignature),
        (lambda text: edited(text, iss="https://other.localhost"), ValueError),
        (lambda _: foreign, NotForMe),
        (lambda _: before, ValueError),  # another nonce
    ):
        with refused(kind):
            Party("basic", {TOKEN: instead("id_token", change)}).login()


@module("basic-callback")
def callback() -> None:
    party = Party("basic")
    for change, kind in (
        ({"state": "another"}, KeyError),
        ({"iss": "https://other.localhost"}, VerificationError),
    ):
        brought = party.arrive()
        assert brought["iss"] == ISSUER
        with refused(kind):
            party.finish({**brought, **change})


@module("basic-form-post")
def form_post() -> None:
    party = Party("basic", response_modes_supported=["form_post"])
    party.login(response_mode="form_post")
    assert party.by_form, "no form came"


@module("basic-refusal-of-the-traveller")
def refusal() -> None:
    party = Party("basic")
    assert party.client.finalize(party.arrive("deny", prompt="consent"))["error"] == "access_denied"


@module("basic-jar")
def jar() -> None:
    Party("basic-key", **SIGNING).login()
    url = Party("basic-key", own={"key": CLIENTS["basic-signed"]["key"]}, **SIGNING).client.init_authorization()
    assert "request=" in url and "nonce=" not in url
    stays(url, "invalid_request_object")


@module("basic-userinfo")
def userinfo() -> None:
    done = Party("basic").login(scope=["openid", "profile"])
    assert done["userinfo"]["sub"] == done["id_token"]["sub"]
    with refused(ValueError, 'Incorrect "sub" value'):
        Party("basic", {USERINFO: instead("sub", lambda _: "another")}).login()


@module("basic-signed-userinfo")
def signed_userinfo() -> None:
    party = Party("basic-signed")
    done = party.login()
    assert party.seen[-1].headers["content-type"] == "application/jwt"
    assert done["userinfo"]["sub"] == done["id_token"]["sub"]
    for change in (forged, lambda text: edited(text, name="another")):
        with refused(BadSignature):
            Party("basic-signed", {USERINFO: change}).login()


@module("basic-encrypted-userinfo")
def encrypted_userinfo() -> None:
    party = Party("basic-sealed-userinfo")
    done = party.login()
    assert party.seen[-1].headers["content-type"] == "application/jwt" and party.seen[-1].text.count(".") == 4
    assert done["userinfo"]["sub"] == done["id_token"]["sub"]
    sealed = CLIENTS["basic-sealed"]["sealing"]
    with refused(InvalidTag):
        Party("basic-sealed-userinfo", own={"sealing": {**sealed, "kid": party.own["sealing"]["kid"]}}).login()


@module("basic-refresh")
def refresh() -> None:
    party = Party("basic")
    state = party.login(scope=["openid", "offline_access"], prompt="consent")["state"]
    before = party.held(state, "refresh_token")
    told = party.client.refresh_access_token(state)
    assert told["access_token"] and told["refresh_token"] != before
    party.client.get_user_info(state)
    party.client.get_context().cstate.update(state, {"refresh_token": before})
    with refused(OidcServiceError, "invalid_grant"):
        party.client.refresh_access_token(state)


@module("basic-introspection")
def introspection() -> None:
    party, other = Party("basic"), Party("basic-other")
    asked = {"request_args": {"token": party.login()["token"]}, **BY_SECRET}
    told = party.client.do_request("introspection", **asked)
    assert told["active"] is True and told["client_id"] == "basic" and told["iss"] == ISSUER, told
    assert other.client.do_request("introspection", **asked)["active"] is False


@module("basic-revocation")
def revocation() -> None:
    party = Party("basic")
    done = party.login()
    with refused(
        ResponseError, "Missing or faulty response"
    ):  # the library cannot read the empty answer (RFC 7009 §2.2)
        party.client.do_request("token_revocation", request_args={"token": done["token"]}, **BY_SECRET)
    assert party.seen[-1].status_code == 200 and not party.seen[-1].content
    closed(party, done["state"])


@module("basic-dpop")
def dpop() -> None:
    party = Party("basic", add_ons={"pkce": PKCE, "dpop": DPOP})
    brought = party.arrive()
    party.client.finalize_auth(brought)
    told = party.client.get_tokens(brought["state"])
    key = party.client.get_context().add_on["dpop"]["key"]
    bound = claims_of(told["access_token"])["cnf"]["jkt"]
    assert told["token_type"] == "DPoP" and bound == key.thumbprint("SHA-256").decode(), told


@module("basic-client-credentials")
def client_credentials() -> None:
    party = Party("basic-machine")
    asked = {"request_args": {"scope": ["orders"]}, "state": "own", **BY_SECRET}
    told = party.client.do_request("client_credentials", **asked)
    assert told["access_token"] and "refresh_token" not in told, told


@module("basic-logout")
def logout() -> None:
    party = Party("basic")
    state = party.login()["state"]
    url, _ = visit(party.client.logout(state)["url"])
    assert url.startswith(f"{party.own['post_logout_redirect_uris'][0]}?state="), url
    closed(party, state)


@module("basic-backchannel-logout")
def backchannel() -> None:
    party = Party("basic")
    done = party.login()
    visit(party.client.logout(done["state"])["url"])
    form = heard("/logout", lambda form: claims_of(form["logout_token"])["sid"] == done["id_token"]["sid"])
    assert backchannel_logout(party.client, request_args=form) == done["state"]
    with refused((MessageException, BadSignature)):
        backchannel_logout(party.client, request_args={"logout_token": forged(form["logout_token"])})


@module("dynamic-registration")
def registration() -> None:
    party = Party(None, keys=build_keyjar(OWN_KEYS), redirect_uris=[f"{WORLD['site']}/registered"])
    party.login()
    told = party.client.do_request("registration_read", state="own")
    assert told["client_id"] == party.client.get_client_id(), told
    with refused(OidcServiceError, "invalid_redirect_uri"):
        Party(None, keys=build_keyjar(OWN_KEYS), redirect_uris=["http://shop.example/callback"])


run()
