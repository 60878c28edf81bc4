"""A conventional relying party of the profile ``basic``: plain requests, a client secret, no PKCE unless it likes."""

import base64
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.http import HttpResponse

from idp.oidc.models import Client
from idp.oidc.replay import digest
from tests.oidc.world import CALLBACK, World, answer, ticks
from tests.simulators.federation import REMOVE

SECRET = "specimen-" + "s" * 34  # the form of a real one: 43 characters
REQUEST = {"response_type": "code", "redirect_uri": CALLBACK, "scope": "openid", "state": "s-1", "nonce": "n-1"}


class BasicParty:
    """Registered by an officer; ``metadata`` is changed by `says`."""

    client_id = "basic-party"

    def __init__(self, world: World, **metadata: Any) -> None:
        self.world = world
        self.row = Client.objects.create(
            client_id=self.client_id,
            profile=Client.Profile.BASIC,
            registration=Client.Registration.ADMIN,
            metadata={
                "client_name": "Basic Party",
                "redirect_uris": [CALLBACK],
                "grant_types": ["authorization_code", "refresh_token"],
                **metadata,
            },
            sector="messenger.example",
            secret_hash=digest(SECRET),
            created_at=world.now,
        )

    def says(self, **changes: Any) -> None:
        self.row.metadata = {**self.row.metadata, **changes}
        self.row.save()

    def ask(self, *, method: str = "get", **changes: Any) -> HttpResponse:
        """Bring a plain request to the authorization endpoint."""
        sent = {"client_id": self.client_id, **REQUEST, **changes}
        sent = {name: value for name, value in sent.items() if value is not REMOVE}
        if method == "get":
            return self.world.browser.get("/oidc/authorize", sent)
        kind = "application/x-www-form-urlencoded"
        return self.world.browser.post("/oidc/authorize", urlencode(sent), content_type=kind)

    def kept(self, **changes: Any) -> str:
        """The request_uri under which a plain request was kept."""
        response = self.ask(**changes)
        assert response.status_code == 303, response.content
        assert response["Location"].startswith("/oidc/authorize?"), response["Location"]
        return parse_qs(urlsplit(response["Location"]).query)["request_uri"][0]

    def next(self, **changes: Any) -> HttpResponse:
        """What the browser is shown after a plain request."""
        return self.world.open(self.kept(**changes), client_id=self.client_id)

    def decide(self, request_uri: str, *, decision: str = "allow", without: Collection[str] = ()) -> HttpResponse:
        """Answer the consent page as a browser does, with the ticks of ``without`` taken away."""
        page = self.world.open(request_uri, client_id=self.client_id)
        if page.context is None:
            return page
        form = {
            "client_id": self.client_id,
            "request_uri": request_uri,
            "decision": decision,
            "csrfmiddlewaretoken": page.context["csrf_token"],
            **{name: "on" for name in ticks(page) if name.removeprefix("claim-") not in without},
        }
        return self.world.browser.post("/oidc/consent", form)

    def code(self, *, without: Collection[str] = (), **changes: Any) -> str:
        self.world.log_in()
        return answer(self.decide(self.kept(**changes), without=without))["code"]

    def basic(self, *, secret: str = SECRET, client_id: str | None = None) -> str:
        text = f"{client_id or self.client_id}:{secret}"
        return "Basic " + base64.b64encode(text.encode()).decode()

    def post(self, path: str, form: Mapping[str, Any], *, authorization: str | None = "", **more: Any) -> HttpResponse:
        headers = {"Authorization": authorization or self.basic()} if authorization is not None else {}
        kept = {name: value for name, value in form.items() if value is not REMOVE}
        return self.world.post(path, kept, headers=headers, **more)

    def redeem(self, code: str, **changes: Any) -> HttpResponse:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **changes}
        return self.post("/oidc/token", form)

    def tokens(self, **changes: Any) -> dict[str, Any]:
        response = self.redeem(self.code(**changes))
        assert response.status_code == 200, response.content
        return dict(response.json())
