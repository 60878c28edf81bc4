"""A relying party by Authlib: a Flask application with its client, and the session under it for single requests."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.integrations.flask_client import OAuth
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from conversation import CLIENTS, ISSUER, visit
from flask import Flask, jsonify, request
from joserfc.jwk import ECKey

DISCOVERY = f"{ISSUER}/.well-known/openid-configuration"
Fix = Callable[[OAuth2Session], None]


class Party:
    """A client of the officer's register. ``fix`` is Authlib's hook for the session that talks to the node."""

    def __init__(self, name: str, fix: Fix | None = None, scope: str = "openid", **own: Any) -> None:
        self.own = {**CLIENTS[name], **own}
        method = self.own.get("token_endpoint_auth_method", "client_secret_basic")
        self._signs = method == "private_key_jwt"
        self._fix = fix
        app = Flask(name)
        app.testing, app.secret_key = True, "for one run"
        self.client = OAuth(app).register(
            "node",
            server_metadata_url=DISCOVERY,
            client_id=self.own["client_id"],
            client_secret=self.own["key"] if self._signs else self.own["client_secret"],
            client_kwargs={"scope": scope, "code_challenge_method": "S256", "token_endpoint_auth_method": method},
            compliance_fix=self._prepare,
        )
        self.callback = self.own["redirect_uris"][0]
        app.add_url_rule("/login", "login", self._login)
        app.add_url_rule(urlsplit(self.callback).path, "callback", self._callback, methods=["GET", "POST"])
        app.add_url_rule("/logout", "logout", self._logout)
        app.add_url_rule("/logged-out", "logged_out", lambda: jsonify(self.client.validate_logout_response()))
        self._browser = app.test_client()
        self.app = app

    def _prepare(self, session: OAuth2Session) -> None:
        if self._signs:  # the library's key is the client's secret, and the audience the node
            key = ECKey.import_key(self.own["key"])
            header = {"kid": self.own["key"]["kid"]}
            session.client_secret = key
            session.register_client_auth_method(PrivateKeyJWT(ISSUER, headers=header, alg="ES256"))
        if self._fix is not None:
            self._fix(session)

    def _login(self) -> Any:
        return self.client.authorize_redirect(self.callback, **request.args.to_dict())

    def _callback(self) -> Any:
        token = self.client.authorize_access_token()
        return jsonify({"token": token, "userinfo": self.client.userinfo(token=token)})

    def _logout(self) -> Any:
        return self.client.logout_redirect(**request.args.to_dict())

    def start(self, **more: str) -> str:
        """Where the traveller must go."""
        return str(self._browser.get("/login", query_string=more).headers["Location"])

    def finish(self, url: str, form: str | None = None) -> dict[str, Any]:
        """What the callback makes of what came there: tokens with a verified ID token, and userinfo."""
        target = f"{urlsplit(url).path}?{urlsplit(url).query}"
        kind = "application/x-www-form-urlencoded"
        answer = self._browser.get(target) if form is None else self._browser.post(target, data=form, content_type=kind)
        return dict(answer.get_json())

    def login(self, **more: str) -> dict[str, Any]:
        """All of it."""
        done = self.finish(*visit(self.start(**more)))
        assert done["token"]["userinfo"]["sub"] == done["userinfo"]["sub"], done
        return done

    def logout(self, **more: str) -> str:
        """Where the traveller must go to log out."""
        return str(self._browser.get("/logout", query_string=more).headers["Location"])

    def logged_out(self, url: str) -> dict[str, Any]:
        """What the relying party makes of the way back."""
        return dict(self._browser.get(f"/logged-out?{urlsplit(url).query}").get_json())

    def session(self, token: dict[str, Any] | None = None) -> OAuth2Session:
        """The library's session as this client, with ``token``."""
        session = self.client._get_oauth_client(**self.client.load_server_metadata())
        session.token = token
        return session

    def told(self, endpoint: str) -> str:
        """An endpoint of the metadata."""
        return str(self.client.load_server_metadata()[endpoint])

    def known(self, token: dict[str, Any]) -> requests.Response:
        """What userinfo answers, whatever it is."""
        return self.session(token).get(self.told("userinfo_endpoint"))
