"""The travellers of one authority with their phones: rows of its database, keys, and the tokens that they ask for."""

import datetime
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from idp import conf
from idp.accounts.models import Account, Device, Endorsement, TravelDocument, Traveller
from idp.accounts.models.registry import NEVER
from idp.biometrics import references
from idp.biometrics.engine import EMBEDDED_MODEL, Template
from idp.border import issuance, token_requests
from idp.oidc.access import Access
from idp.oidc.models import Client, Grant
from idp.protocol import holder_key, keys, presentation
from idp.protocol.refusals import Unavailable
from tests.simulation.mesh import Killed
from tests.simulation.orders import Handed, Leave, Person, Wanted, face_of

AMR = ("hwk", "user", "mfa")
ACR = "urn:causeway:acr:mfa"
CONSENT = 86_400  # seconds


@dataclass
class Phone:
    """One traveller's rows and keys. ``device`` is the DPoP key, the holder keys are one for each authority."""

    traveller: Traveller
    documents: Sequence[TravelDocument]
    device: str
    holders: dict[str, keys.PrivateKey] = field(default_factory=dict)

    def holder(self, authority: str) -> keys.PrivateKey:
        """The key for tokens to ``authority``."""
        if authority not in self.holders:
            self.holders[authority] = keys.generate()
        return self.holders[authority]


class Phones:
    """All of them."""

    def __init__(self, restart: Callable[[], None]) -> None:
        self._restart = restart  # what follows when the node's worker is killed
        self._of: dict[int, Phone] = {}
        self.leaves: dict[int, int] = {}  # number of a leave to its row
        self._grants: dict[int, Grant] = {}  # of today, by number of what is wanted
        self._tokens: dict[int, tuple[str | bytes, str, keys.PrivateKey]] = {}  # with its checkpoint and who holds it
        self._client, _ = Client.objects.get_or_create(
            client_id="https://messenger.example",
            defaults={"profile": "border", "registration": "admin", "sector": "messenger.example", "created_at": 1},
        )

    @transaction.atomic
    def register(self, people: Sequence[Person], *, now: int) -> None:
        """Each with an account, a phone, documents of the register and a face reference on each."""
        accounts = Account.objects.bulk_create([Account(username=f"traveller-{each.number}") for each in people])
        travellers = Traveller.objects.bulk_create([Traveller(account=account) for account in accounts])
        devices = [Device(traveller=each, jkt=keys.generate().public.thumbprint, name="phone") for each in travellers]
        Device.objects.bulk_create(devices)
        for person, traveller, device in zip(people, travellers, devices, strict=True):
            documents = [_document(person, place, traveller, now=now) for place in range(len(person.documents))]
            self._of[person.number] = Phone(traveller, documents, device.jkt)

    @transaction.atomic
    def endorse(self, leaves: Sequence[Leave]) -> None:
        """Enter leaves into the register."""
        for leave in leaves:
            row = Endorsement.objects.create(
                document=self._of[leave.person].documents[leave.document],
                kind=leave.kind,
                destination=leave.destination,
                valid_from=leave.valid_from,
                valid_to=leave.valid_to,
                entries_left=leave.entries,
                stay_days=leave.stay_days,
                **dict(leave.facts),
            )
            self.leaves[leave.number] = row.pk

    def consent(self, wanted: Sequence[Wanted]) -> None:
        """What the travellers have agreed to in their wallets, each before it asks."""
        grants = Grant.objects.bulk_create([self._grant(self._of[each.person], each) for each in wanted])
        self._grants = {each.number: grant for each, grant in zip(wanted, grants, strict=True)}
        self._tokens = {}

    def obtain(self, wanted: Wanted) -> Handed:
        """Ask for a token as a wallet does, again where the worker was killed; then prove it for the first showing."""
        phone = self._of[wanted.person]
        receiver = wanted.checkpoint.rpartition("/checkpoints/")[0]
        holder = phone.holder(receiver)
        grant = self._grants[wanted.number]
        try:
            try:
                issued = self._ask(phone, holder, grant, wanted)
            except Killed:  # the wallet sees a connection that ends, and asks again
                self._restart()
                issued = self._ask(phone, holder, grant, wanted)
        except issuance.UnableToIssue as error:
            return Handed(wanted.number, refused=error.code, detail=str(error))
        except (Unavailable, Killed) as error:  # the wallet gives up for today
            return Handed(wanted.number, refused="unavailable", detail=str(error))
        thief = keys.generate() if wanted.stolen else holder
        self._tokens[wanted.number] = issued.token, wanted.checkpoint, thief
        return Handed(wanted.number, issued.jti, self.prove(wanted.number, wanted.shown_at[0]))

    def prove(self, number: int, at: int) -> bytes | str:
        """What the phone shows at ``at``: the token that was obtained today for ``number``, with a proof."""
        return _shown(*self._tokens[number], at)

    def mark_document(self, person: int, document: int, *, revoked: bool, now: int) -> None:
        """The register says that it is no longer good, or that this was a mistake."""
        row = TravelDocument.objects.get(pk=self._of[person].documents[document].pk)
        row.status = TravelDocument.Status.REVOKED if revoked else TravelDocument.Status.VALID
        row.revoked_at = now if revoked else None
        row.save()

    def _grant(self, phone: Phone, wanted: Wanted) -> Grant:
        detail = {
            "type": "border_crossing",
            "locations": [wanted.checkpoint],
            "directions": [wanted.direction],
            "document": str(phone.documents[wanted.document].pk),
            "valid_from": wanted.at,
            "valid_until": wanted.at + CONSENT,
            "max_tokens": 3,
            "ahead": wanted.ahead,
        }
        return Grant(
            traveller=phone.traveller,
            client=self._client,
            authorization_details=[detail],
            acr=ACR,
            amr=list(AMR),
            auth_time=wanted.at,
            jkt=phone.device,
            created_at=wanted.at,
        )

    def _ask(self, phone: Phone, holder: keys.PrivateKey, grant: Grant, wanted: Wanted) -> issuance.Issued:
        access = Access(
            traveller=phone.traveller,
            account=phone.traveller.account,
            client_id=self._client.client_id,
            sub="simulated",
            jkt=phone.device,
            scope="",
            authorization_details=grant.authorization_details,
            acr=ACR,
            amr=AMR,
            auth_time=wanted.at,
            grant_id=grant.pk,
        )
        text, node = f"access-{grant.pk}", conf.authority().entity_id
        proof = holder_key.prove_holder_key(
            holder=holder, audience=node, access_token=text, now=wanted.at, jti=secrets.token_urlsafe(12)
        )
        body = {
            "checkpoint": wanted.checkpoint,
            "direction": wanted.direction,
            "document": str(phone.documents[wanted.document].pk),
            "format": wanted.form,
            "holder_key": holder.public.jwk(),
            "proof": proof,
        }
        (request,) = token_requests.parse(body, access_token=text, now=wanted.at)
        return issuance.issue(access=access, request=request, now=wanted.at)


def _shown(token: str | bytes, checkpoint: str, holder: keys.PrivateKey, at: int) -> bytes | str:
    proof = presentation.prove_time(token, aud=checkpoint, now=at, holder=holder)
    if isinstance(token, bytes):
        return presentation.encode_qr(token, bytes(proof))  # type: ignore[arg-type]
    return presentation.encode_link(token, str(proof))


def _document(person: Person, place: int, traveller: Traveller, *, now: int) -> TravelDocument:
    facts = person.documents[place]
    row = TravelDocument.objects.create(
        type=facts.type,
        number=facts.number,
        name_native="旅客",
        name_latin="TRAVELLER",
        birth_date=person.born,
        sex="X",
        nationality="CHN",
        issued_by=facts.issued_by,
        expires_on=facts.expires_on or NEVER,
        residence=facts.residence,
        traveller=traveller,
        linked_at=datetime.datetime.fromtimestamp(now, datetime.UTC),
    )
    template = Template(EMBEDDED_MODEL, "q8", face_of(person.number))
    references.keep(traveller=traveller, document=row, template=template, now=now)
    return row
