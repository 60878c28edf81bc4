"""A resource of another house, and how it asks about tokens; a client asks in the same way."""

from typing import Any

from idp.oidc.models import Client
from idp.oidc.replay import digest
from tests.oidc.basic_party import SECRET, BasicParty
from tests.oidc.world import World

RESOURCE = "https://api.example/v1"


class ResourceServer(BasicParty):
    """Answers for `RESOURCE`, and does nothing else."""

    client_id = "api"

    def __init__(self, world: World, **metadata: Any) -> None:
        self.world = world
        self.row = Client.objects.create(
            client_id=self.client_id,
            profile=Client.Profile.BASIC,
            registration=Client.Registration.ADMIN,
            metadata={"grant_types": ["client_credentials"], **metadata},
            sector="api.example",
            secret_hash=digest(SECRET),
            resources=[RESOURCE],
            created_at=world.now,
        )


def introspected(party: BasicParty, token: str, **form: str) -> dict[str, Any]:
    response = party.post("/oidc/introspect", {"token": token, **form})
    assert response.status_code == 200 and response["Cache-Control"] == "no-store", response.content
    return dict(response.json())


def revoked(party: BasicParty, token: str, **form: str) -> None:
    response = party.post("/oidc/revoke", {"token": token, **form})
    assert response.status_code == 200 and not response.content, response.content
