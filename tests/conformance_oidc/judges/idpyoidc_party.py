"""A relying party by idpyoidc: its configuration, its HTTP client, and the way from a request to tokens."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from conversation import CLIENTS, ISSUER, WORLD, visit
from cryptojwt import KeyJar
from idpyoidc.client.oauth2.stand_alone_client import StandAloneClient

_OIDC, _OAUTH = "idpyoidc.client.oidc", "idpyoidc.client.oauth2"
SERVICES = {
    "discovery": {"class": f"{_OIDC}.provider_info_discovery.ProviderInfoDiscovery"},
    "registration": {"class": f"{_OIDC}.registration.Registration"},
    "registration_read": {"class": f"{_OIDC}.read_registration.RegistrationRead"},
    "authorization": {"class": f"{_OIDC}.authorization.Authorization"},
    "access_token": {"class": f"{_OIDC}.access_token.AccessToken"},
    "refresh_access_token": {"class": f"{_OIDC}.refresh_access_token.RefreshAccessToken"},
    "userinfo": {"class": f"{_OIDC}.userinfo.UserInfo"},
    "end_session": {"class": f"{_OIDC}.end_session.EndSession"},
    "introspection": {"class": f"{_OAUTH}.introspection.Introspection"},
    "token_revocation": {"class": f"{_OAUTH}.token_revocation.TokenRevocation"},
    "client_credentials": {"class": f"{_OAUTH}.client_credentials.CCAccessTokenRequest"},
}
PKCE = {
    "function": f"{_OAUTH}.add_on.pkce.add_support",
    "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
}
DPOP = {
    "function": f"{_OAUTH}.add_on.dpop.add_support",
    "kwargs": {"dpop_signing_alg_values_supported": ["ES256"], "with_dpop_header": ["accesstoken"]},
}
# The request object of the service itself has "request" as its audience; that of this add-on has the node.
JAR = {
    "function": f"{_OAUTH}.add_on.jar.add_support",
    "kwargs": {"request_type": "request_parameter", "with_jti": True},
}
# What the officer's register says of answers, and the word of the library's configuration for it.
ANSWERS = {
    "signed_response_alg": "signing_alg",
    "encrypted_response_alg": "encryption_alg",
    "encrypted_response_enc": "encryption_enc",
}
Alter = Callable[[str], str]


class Party:
    """A client of the officer's register, or one that has yet to register itself (``name`` None).

    ``alter`` has, by path, what is made of the text of the node's answers; ``own`` replaces what the register says.
    """

    def __init__(
        self,
        name: str | None,
        alter: Mapping[str, Alter] | None = None,
        own: Mapping[str, Any] | None = None,
        keys: KeyJar | None = None,
        **more: Any,
    ) -> None:
        self.own = {**({} if name is None else CLIENTS[name]), **(own or {})}
        self.seen: list[requests.Response] = []
        self.by_form = False
        self._alter = alter or {}
        keyjar = self._keys() if keys is None else keys
        config = {**self._config(), **more}
        self.client = StandAloneClient(config=config, services=SERVICES, keyjar=keyjar, httpc=self._ask)
        self.client.do_provider_info()
        self.client.do_client_registration()

    def _keys(self) -> KeyJar:
        keys = KeyJar()
        for owner in ("", self.own["client_id"]):
            keys.import_jwks({"keys": [self.own[part] for part in ("key", "sealing") if self.own.get(part)]}, owner)
        return keys

    def _config(self) -> dict[str, Any]:
        own = {name: self.own[name] for name in ("client_id", "client_secret", "redirect_uris") if self.own.get(name)}
        answers = {
            f"{answer}_{word}_values_supported": [self.own[f"{answer}_{member}"]]
            for answer in ("id_token", "userinfo")
            for member, word in ANSWERS.items()
            if f"{answer}_{member}" in self.own
        }
        return {
            "client_type": "oidc",
            "issuer": ISSUER,
            "base_url": WORLD["site"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "offline_access"],
            "token_endpoint_auth_methods_supported": [
                self.own.get("token_endpoint_auth_method", "client_secret_basic")
            ],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
            "client_authn_methods": ["client_secret_basic", "client_secret_post", "private_key_jwt", "bearer_header"],
            "post_logout_redirect_uris": self.own.get("post_logout_redirect_uris", []),
            "encrypt_userinfo_supported": bool(self.own.get("sealing")),
            "add_ons": {"pkce": PKCE},
            **own,
            **answers,
        }

    def _ask(self, method: str, url: str, **more: Any) -> requests.Response:
        answer = requests.request(method, url, timeout=more.pop("timeout", 30), **more)
        change = self._alter.get(urlsplit(url).path)
        if change is not None:
            answer._content = change(answer.text).encode()
        self.seen.append(answer)
        return answer

    def arrive(self, decision: str = "allow", **request: Any) -> dict[str, str]:
        """What came to the callback."""
        asked = {"scope": ["openid"], **request}
        url, form = visit(self.client.init_authorization(req_args=asked), decision)
        self.by_form = form is not None
        return dict(parse_qsl(urlsplit(url).query if form is None else form))

    def held(self, state: str, claim: str) -> Any:
        """What the library keeps of a login."""
        return self.client.get_context().cstate.get_set(state, claim=[claim]).get(claim)

    def login(self, **request: Any) -> dict[str, Any]:
        """Through to a verified ID token, and userinfo of the same subject."""
        return self.finish(self.arrive(**request))

    def finish(self, brought: dict[str, str]) -> dict[str, Any]:
        """The same from the callback on."""
        done = self.client.finalize(brought)
        assert "error" not in done, done
        return dict(done)
