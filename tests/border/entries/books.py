"""Trips to the mainland on tokens of this node, and who tells of them."""

import datetime
import itertools
from typing import Any

from django.db import transaction

from idp.accounts.models import Endorsement
from idp.border.admitted import Admitted
from idp.border.entries import reserving
from idp.border.entries.confirming import Confirmation, confirm
from idp.border.models import ConfirmedCrossing, IssuedToken
from tests.border.world import NODE, World

CN = "http://cn.localhost:8001"
DAY = 86_400
_SERIAL = itertools.count()


class Books:
    """A traveller of this node with an endorsement for the mainland; gates on both sides report as a test says."""

    def __init__(self, world: World, **endorsement: Any) -> None:
        self.world, self.now = world, world.now
        facts = {"valid_from": datetime.date(2026, 12, 1), "valid_to": datetime.date(2027, 11, 30), **endorsement}
        self.endorsement = world.endorse(world.document, **facts)

    def token(self, direction: str, *, territory: str = "CHN", at: int = 0, **changes: Any) -> IssuedToken:
        """A token to leave Hong Kong for the mainland or enter it, or for the way back."""
        own = (direction == "exit") == (territory == "CHN")
        authority = NODE if own else CN
        number = next(_SERIAL)
        facts = {
            "jti": f"token-{number}",
            "traveller": self.world.traveller,
            "document": self.world.document,
            "endorsement": self.endorsement if territory == "CHN" else None,
            "grant_id": "g",
            "device_jkt": "d",
            "holder_jkt": "h",
            "checkpoint": f"{authority}/checkpoints/{'lo-wu' if own else 'luohu'}",
            "authority": authority,
            "direction": direction,
            "territory": territory,
            "form": "jwt",
            "face_model": "m",
            "issued_at": self.now + at - 60,
            "expires_at": self.now + at + 1800,
            "status_uri": "books",
            "status_idx": number,
        }
        return IssuedToken.objects.create(**{**facts, **changes})

    def tell(self, token: IssuedToken, at: int = 0) -> ConfirmedCrossing:
        """The crossing becomes known, from a gate here or by a peer's receipt."""
        with transaction.atomic():
            if token.authority == NODE:
                reserving.note(admitted=[self.admitted(token, at)], now=self.now)
            else:
                confirm(confirmations=[Confirmation(token, self.now + at)], actor=CN, now=self.now)
        return ConfirmedCrossing.objects.get(token=token)

    def admitted(self, token: IssuedToken, at: int = 0) -> Admitted:
        return Admitted(NODE, token.jti, token.checkpoint, "1", 1, token.direction, self.now + at, "s")

    def crosses(self, direction: str, at: int = 0, **changes: Any) -> ConfirmedCrossing:
        return self.tell(self.token(direction, at=at, **changes), at)

    @property
    def left(self) -> int | None:
        return Endorsement.objects.get(pk=self.endorsement.pk).entries_left
