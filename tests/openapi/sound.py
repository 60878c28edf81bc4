"""A sound request for each operation of the description, and the node that knows who sends it."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from idp.audit import events, sealing
from idp.federation import entities, mark_types, marks, signing, status_lists, tree_heads
from idp.protocol import keys
from tests.border.world import CODE, lane_body
from tests.border.world import World as Border
from tests.oidc.basic_party import REQUEST, BasicParty
from tests.oidc.registrant import METADATA, Registrant, path
from tests.oidc.relying_party import RelyingParty
from tests.oidc.world import CALLBACK, NODE, World
from tests.openapi.driving import Sound
from tests.openapi.officers import Officer

MARK = "https://marks.example/privacy"
PLAIN = {  # operations that take nothing, from everybody
    "openid_configuration",
    "oauth_authorization_server",
    "jwks",
    "attestation_challenge",
    "entity_configuration",
    "historical_keys",
    "list",
    "status_aggregation",
    "witnessed",
}
NEED_ANOTHER_NODE = {"accept_receipt", "state_crossings", "resolve_authenticated"}  # only a peer sends these


class _Border(Border):
    """A border whose traveller is not the other rooms'."""

    def person(self, name: str, number: str, **changes: Any) -> Any:
        return super().person(f"{name} at the border", number, **changes)


class Node:
    """The node with a conventional client, a relying party below it, and one who registers itself."""

    def __init__(self, world: World) -> None:
        self.world = world
        for use in ("oidc", "border", "status", "bundle"):
            signing.ensure_key(use=use)
        signing.ensure_key(use="oidc", algorithm="RS256")
        kinds = ["authorization_code", "refresh_token", "client_credentials"]
        self.basic = BasicParty(world, grant_types=kinds)
        self.client = {"Authorization": self.basic.basic()}

    # --- OAuth and OpenID ---------------------------------------------------------------------------------------------

    def push(self) -> Sound:
        return Sound(self.client, body=dict(REQUEST))

    def token(self) -> Sound:
        form = {"grant_type": "authorization_code", "code": self.basic.code(), "redirect_uri": CALLBACK}
        return Sound(self.client, body=form)

    def introspect(self) -> Sound:
        return Sound(self.client, body={"token": self.basic.tokens()["access_token"]})

    revoke = introspect

    def userinfo_get(self) -> Sound:
        return Sound({"Authorization": f"Bearer {self.basic.tokens()['access_token']}"})

    def userinfo_post(self) -> Sound:
        token = self.world.tokens()["access_token"]
        proof = self.world.messenger.proof("/oidc/userinfo", access_token=token)
        return Sound({"Authorization": f"DPoP {token}", "DPoP": proof})

    def register(self) -> Sound:
        return Sound(body=dict(METADATA))

    def read_client(self) -> Sound:
        made = Registrant(self.world).registered()
        token = {"Authorization": f"Bearer {made['registration_access_token']}"}
        return Sound(token, path={"client_id": path(made).rpartition("/")[2]})

    delete_client = read_client

    def update_client(self) -> Sound:
        found = self.read_client()
        found.body = {**METADATA, "client_id": found.path["client_id"]}
        return found

    def federation_registration(self) -> Sound:
        party = RelyingParty(self.world.federation, "https://rp.example", self.world.now)
        self.world.vouch_for(party)
        kind = "application/entity-statement+jwt"
        return Sound({"Content-Type": kind}, body=party.entity.configuration(aud=NODE))

    # --- federation ---------------------------------------------------------------------------------------------------

    def fetch(self) -> Sound:
        return Sound(query={"sub": self.world.messenger.client_id})

    def resolve(self) -> Sound:
        return Sound(query={"sub": NODE, "trust_anchor": [NODE]})

    def _marked(self) -> str:
        mark_types.add(mark_type=MARK, now=self.world.now, actor="account:7")
        marks.give(mark_type=MARK, subject=self.world.messenger.client_id, now=self.world.now, actor="account:7")
        return marks.issued(mark_type=MARK, subject=self.world.messenger.client_id, now=self.world.now)

    def trust_mark(self) -> Sound:
        self._marked()
        return Sound(query={"trust_mark_type": MARK, "sub": self.world.messenger.client_id})

    trust_mark_list = trust_mark

    def trust_mark_status_authenticated(self) -> Sound:
        return Sound(body={"trust_mark": self._marked()})

    def hosted_configuration(self) -> Sound:
        entities.host(path="checkpoints/lmc", metadata={"oauth_resource": {"resource": "x"}}, now=self.world.now)
        return Sound(path={"path": "checkpoints/lmc"})

    def status_list(self) -> Sound:
        uri, _ = status_lists.allocate(expires_at=self.world.now + 600, now=self.world.now)
        return Sound(path={"name": uri.rpartition("/")[2]})

    # --- the audit ----------------------------------------------------------------------------------------------------

    def _sealed(self) -> None:
        with transaction.atomic():
            for _ in range(3):
                events.record(kind="test.sealed", actor="account:7")
        sealing.seal(self.world.now)

    def tree_head(self) -> Sound:
        self._sealed()
        tree_heads.sign(self.world.now)
        return Sound()

    def consistency(self) -> Sound:
        self._sealed()
        return Sound(query={"first": "1", "second": "2"})

    def inclusion(self) -> Sound:
        self._sealed()
        return Sound(query={"index": "0", "size": "2"})

    # --- the border ---------------------------------------------------------------------------------------------------

    def issue_border_token(self) -> Sound:
        border = _Border(self.world.now)
        token = border.access_token()
        return Sound(border.authorized("/border/v1/tokens", token), body=border.body(token))

    def revoke_border_token(self) -> Sound:
        border = _Border(self.world.now)
        jti = border.ask().json()["jti"]
        return Sound(border.authorized(f"/border/v1/tokens/{jti}/revoke", border.access_token()), path={"jti": jti})

    def border_tokens(self) -> Sound:
        border = _Border(self.world.now)
        assert border.ask().status_code == 201
        return Sound(border.authorized("/border/v1/tokens", border.access_token(), method="GET"))

    def border_token(self) -> Sound:
        border = _Border(self.world.now)
        jti = border.ask().json()["jti"]
        headers = border.authorized(f"/border/v1/tokens/{jti}", border.access_token(), method="GET")
        return Sound(headers, path={"jti": jti})

    def revoke_border_tokens(self) -> Sound:
        border = _Border(self.world.now)
        return Sound(border.authorized("/border/v1/tokens/revoke", border.access_token()))

    def border_consents(self) -> Sound:
        border = _Border(self.world.now)
        return Sound(border.authorized("/border/v1/consents", border.access_token(), method="GET"))

    def fetch_face_references(self) -> Sound:
        border, path = _Border(self.world.now), "/border/v1/face-references"
        token = border.access_token()
        return Sound(border.authorized(path, token), body={"document": str(border.document.pk)})

    def enrol_lane(self) -> Sound:
        border = _Border(self.world.now)
        invitation = border.invite(border.checkpoint, "2", "entry")
        lane = {"checkpoint": CODE, "lane": "2", "code": invitation["code"]}
        return Sound(body={**lane, **lane_body(keys.generate(), border.gate.sealing)})

    def bundle(self) -> Sound:
        return Sound(_Border(self.world.now).gate.headers(self.world.now), path={"code": CODE})

    def announce_sealing_keys(self) -> Sound:
        border = _Border(self.world.now)
        sealing = [border.gate.sealing[1], keys.generate()]
        found = Sound(border.gate.headers(self.world.now), path={"code": CODE})
        found.body = {"sealing_jwks": {"keys": [key.public.jwk() for key in sealing]}}
        return found

    def announce_face_models(self) -> Sound:
        gate = _Border(self.world.now).gate
        return Sound(gate.headers(self.world.now), path={"code": CODE}, body={"face_models": ["new-1", "old-1"]})

    def record_journal(self) -> Sound:
        border = _Border(self.world.now)
        border.gate.entry(self.world.now)
        return Sound(border.gate.headers(self.world.now), body=border.gate.batch())


def request(name: str, world: World) -> Sound:
    """The sound request for the operation ``name``."""
    made: Mapping[str, Callable[[], Sound]] = dict.fromkeys(PLAIN, Sound)
    node = Node(world)
    if name.startswith("officers_"):
        return Officer(_Border(world.now)).request(name)
    return made[name]() if name in made else getattr(node, name)()
