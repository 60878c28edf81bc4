"""A gate with everything around it, made on demand: authorities, their bundle, a traveller's wallet, a lane, a ledger.

Everything is signed and verified by the real code; only the keys are the simulator's own. What a test wants wrong it
changes in one place, and everything else stays right.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from idp.protocol import gate, strict_json
from idp.protocol.border_token import Sealed, TokenClaims, issue_cwt, issue_jwt
from idp.protocol.entity_statements import sign_entity_configuration, sign_subordinate_statement
from idp.protocol.gate_decisions import Decision, FaceScore, Lane, Reference
from idp.protocol.keys import KeySet, PrivateKey, generate
from idp.protocol.presentation import encode_link, encode_qr, prove
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.reservations import Reservation
from idp.protocol.status_list import StatusList, sign_status_list
from idp.protocol.travel_rules import Endorsement
from idp.protocol.trust_bundle import TrustBundle, load_bundle, sign_bundle, sign_bundle_keys
from idp.protocol.trust_marks import sign_trust_mark
from idp.protocol.watch_list import WatchList, pack, watch_hash

NOW = 1_800_000_000  # 2027-01-15T08:00:00Z, Friday 16:00 in Hong Kong
HK, CN, MO = "https://idp.hk.example", "https://idp.cn.example", "https://idp.mo.example"
JURISDICTIONS = {HK: "HKG", CN: "CHN", MO: "MAC"}
CHECKPOINT = f"{HK}/checkpoints/lo-wu"
MODEL = "toy-1"
WATCH_KEY = bytes(range(32))


_SAID = {"source": "a test's own rule", "from": "2014-09-15", "until": None}


def _rule(name: str, kind: str, legs: list[list[str]], **members: Any) -> dict[str, Any]:
    return {"id": name, **_SAID, "kind": "document", "document": kind, "legs": legs, **members}


_ABROAD = [["CHN", "HKG"], ["CHN", "MAC"], ["HKG", "MAC"], ["MAC", "HKG"]]
RULES: list[dict[str, Any]] = [
    _rule("eep-out", "eep", _ABROAD, issuers=["CHN"], endorsement=True, stay_days=7),
    _rule("eep-home", "eep", [["HKG", "CHN"], ["MAC", "CHN"]], issuers=["CHN"], home=True),
    _rule("hkid-home", "hkid", [["CHN", "HKG"], ["MAC", "HKG"]], issuers=["HKG"], home=True),
    _rule("hrp-north", "hrp", [["HKG", "CHN"], ["MAC", "CHN"]]),
    _rule("bir-out", "bir", [["MAC", "HKG"], ["HKG", "MAC"]], issuers=["MAC"], stay_days=180),
    _rule("permit-elsewhere", "reentry", [["CHN", "HKG"]], checkpoints=["lok-ma-chau"]),
    {**_SAID, "id": "child", "kind": "guardian", "age": 7},
    {**_SAID, "id": "family-ninety-days", "kind": "endorsement", "endorsements": ["T"], "first_entry_days": 90},
    {**_SAID, "id": "with-the-group", "kind": "note", "endorsements": ["L"]},
]

ENDORSEMENT = {
    "kind": "G",
    "destination": "HKG",
    "valid_from": "2026-11-01",
    "valid_to": "2027-10-31",
    "entries_left": 1,
    "stay_days": 7,
}


@lru_cache(maxsize=128)
def key(name: str) -> PrivateKey:
    """The ES256 key called ``name``: one for each name and process."""
    return generate("ES256")


def federation_key(entity_id: str) -> PrivateKey:
    return key(f"federation {entity_id}")


def border_key(entity_id: str) -> PrivateKey:
    return key(f"border {entity_id}")


def status_key(entity_id: str) -> PrivateKey:
    return key(f"status {entity_id}")


def bundle_key() -> PrivateKey:
    return key("bundle")


def sealing_key() -> PrivateKey:
    return key("sealing")


def holder_key() -> PrivateKey:
    return key("holder")


def jwks(*names: PrivateKey) -> dict[str, Any]:
    return KeySet([name.public for name in names]).jwks()


@dataclass
class MemoryLedger:
    """A ledger in memory. With ``unavailable`` its disk does not answer."""

    admissions: set[tuple[str, str]] = field(default_factory=set)
    tries: dict[tuple[str, str], int] = field(default_factory=dict)
    nonces: set[bytes] = field(default_factory=set)
    subjects: dict[tuple[str, str], int] = field(default_factory=dict)  # when each was admitted
    entries: dict[tuple[str, ...], tuple[int | None, int]] = field(default_factory=dict)  # what is left, and when
    last: int = 0
    unavailable: bool = False

    def admitted(self, iss: str, jti: str) -> bool:
        if self.unavailable:
            raise Unavailable("the disk does not answer")
        return (iss, jti) in self.admissions

    def attempts(self, iss: str, jti: str) -> int:
        return self.tries.get((iss, jti), 0)

    def admitted_subject(self, iss: str, sub: str, since: int) -> bool:
        return self.subjects.get((iss, sub), -1) >= since

    def entries_used(self, iss: str, sub: str, endorsement: Endorsement) -> int:
        left, _ = self.entries.get(Reservation(iss, sub, endorsement).key, (None, 0))
        return 0 if left is None or endorsement.entries_left is None else max(0, endorsement.entries_left - left)

    def entered_at(self, iss: str, sub: str, endorsement: Endorsement) -> int:
        return self.entries.get(Reservation(iss, sub, endorsement).key, (None, 0))[1]

    def spend_nonce(self, nonce: bytes) -> bool:
        fresh = nonce not in self.nonces
        self.nonces.add(nonce)
        return fresh

    def last_entry_at(self) -> int:
        return self.last


def face(score: float = 0.9, live: bool | None = True) -> Callable[[Reference], FaceScore]:
    """A face engine that finds ``score``."""
    return lambda reference: FaceScore(score, live)


def no_face(reason: Reason) -> Callable[[Reference], FaceScore]:
    """A face engine that finds nothing to compare, for ``reason``."""

    def refuse(reference: Reference) -> FaceScore:
        raise Refusal(reason)

    return refuse


@dataclass
class GateSimulator:
    """Hong Kong's gate at Lo Wu, entry from the mainland, unless told otherwise. Changes are made by attribute."""

    now: int = NOW
    anchor: str = HK
    place: str = CHECKPOINT  # the checkpoint's entity id
    neighbour: str = "CHN"
    issuers: tuple[str, ...] = (HK, CN, MO)
    list_size: int = 1024
    revoked: dict[str, set[int]] = field(default_factory=dict)  # by issuer
    watched: tuple[str, ...] = ("C00000000",)
    unmarked: frozenset[str] = frozenset()  # peers without the border issuer's mark
    chain_life: int = 72 * 3600
    status_issued_at: int | None = None  # None: at ``now``
    lists: Mapping[str, list[str]] = field(default_factory=dict)  # instead of the right ones, by issuer
    chains: Mapping[str, list[str]] = field(default_factory=dict)  # likewise
    bundle_claims: dict[str, Any] = field(default_factory=dict)  # over the right ones
    checkpoint: dict[str, Any] = field(default_factory=dict)
    policy: dict[str, Any] = field(default_factory=dict)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    direction: str = "entry"
    nonce: bytes | None = None  # that the lane shows

    # --- what authorities publish ---------------------------------------------------------------------------------

    def status_uri(self, issuer: str) -> str:
        return f"{issuer}/status/1"

    def status_list(self, issuer: str, *, signer: PrivateKey | None = None, **changes: Any) -> str:
        statuses = StatusList.blank(size=self.list_size)
        for idx in self.revoked.get(issuer, ()):
            statuses.set(idx, 1)
        options = {
            "uri": self.status_uri(issuer),
            "now": self.now if self.status_issued_at is None else self.status_issued_at,
            "lifetime": 86_400,
            "ttl": 30,
        }
        return sign_status_list(statuses, signer=signer or status_key(issuer), **{**options, **changes})

    def configuration(self, entity_id: str, **changes: Any) -> str:
        claims: dict[str, Any] = {
            "iss": entity_id,
            "sub": entity_id,
            "iat": self.now,
            "exp": self.now + self.chain_life,
            "jwks": jwks(federation_key(entity_id)),
            "metadata": {
                "federation_entity": {"organization_name": JURISDICTIONS[entity_id]},
                "border_token_issuer": {
                    "jwks": jwks(border_key(entity_id)),
                    "status_jwks": jwks(status_key(entity_id)),
                    "jurisdiction": JURISDICTIONS[entity_id],
                },
            },
        }
        if entity_id != self.anchor:
            claims["authority_hints"] = [self.anchor]
            if entity_id not in self.unmarked:
                mark = f"{self.anchor}/trust-marks/border-issuer"
                claims["trust_marks"] = [{"trust_mark_type": mark, "trust_mark": self.mark(entity_id)}]
        return sign_entity_configuration({**claims, **changes}, federation_key(entity_id))

    def mark(self, entity_id: str) -> str:
        claims = {
            "iss": self.anchor,
            "sub": entity_id,
            "iat": self.now,
            "exp": self.now + self.chain_life,
            "trust_mark_type": f"{self.anchor}/trust-marks/border-issuer",
        }
        return sign_trust_mark(claims, federation_key(self.anchor))

    def statement(self, about: str, *, by: str = "") -> str:
        by = by or self.anchor
        claims = {
            "iss": by,
            "sub": about,
            "iat": self.now,
            "exp": self.now + self.chain_life,
            "jwks": jwks(federation_key(about)),
            "constraints": {"max_path_length": 1},
        }
        return sign_subordinate_statement(claims, federation_key(by))

    def chain(self, entity_id: str) -> list[str]:
        if entity_id in self.chains:
            return self.chains[entity_id]
        own = self.configuration(entity_id)
        return [own] if entity_id == self.anchor else [own, self.statement(entity_id)]

    def claims(self) -> dict[str, Any]:
        """The claims of the bundle."""
        issuers = [
            {"chain": self.chain(issuer), "status_lists": self.lists.get(issuer, [self.status_list(issuer)])}
            for issuer in self.issuers
        ]
        checkpoint = {
            "name": {"en": "Lo Wu"},
            "jurisdiction": JURISDICTIONS[self.anchor],
            "neighbour": self.neighbour,
            "directions": ["exit", "entry"],
            "modes": ["time", "challenge"],
            "liveness": True,
        }
        policy = {
            "max_age": {"bundle": 86_400, "status": 120},
            "on_stale_status": "refer",
            "face": {MODEL: {"admit": 0.6, "refer": 0.4}},
            "max_attempts": 3,
        }
        return {
            "iss": self.anchor,
            "aud": self.place,
            "iat": self.now,
            "exp": self.now + 86_400,
            "serial": 7,
            "anchor_configuration": self.configuration(self.anchor),
            "issuers": issuers,
            "checkpoint": {**checkpoint, **self.checkpoint},
            "policy": {**policy, **self.policy},
            "rules": RULES,
            "watchlist": self.watch.claim(),
            "opening": [],
            **self.bundle_claims,
        }

    def wire(self, **changes: Any) -> bytes:
        """The bundle as a lane fetches it; ``changes`` are claims, also of a wrong kind."""
        keys = sign_bundle_keys(
            KeySet([bundle_key().public]),
            entity_id=self.anchor,
            signer=federation_key(self.anchor),
            now=self.now,
            lifetime=2 * 86_400,
        )
        bundle = sign_bundle({**self.claims(), **changes}, bundle_key())
        listed = strict_json.b64encode(self.watch.content)
        return strict_json.dumps({"keys": keys, "bundle": bundle, "watchlist": listed})

    @property
    def watch(self) -> WatchList:
        return pack(watch_hash(WATCH_KEY, number) for number in self.watched)

    def load(self, wire: bytes | None = None, **changes: Any) -> TrustBundle:
        options: dict[str, Any] = {"anchor": self.anchor, "checkpoint": self.place, "now": self.now}
        pinned = KeySet([federation_key(self.anchor).public])
        return load_bundle(wire or self.wire(), pinned=pinned, **{**options, **changes})

    # --- the traveller --------------------------------------------------------------------------------------------

    def token(self, form: str = "cwt", *, sealed: Mapping[str, Any] | None = None, **changes: Any) -> bytes | str:
        """A border token of a mainland traveller on the way into Hong Kong, with ``changes`` to its clear claims."""
        iss = changes.get("iss", CN)
        claims = TokenClaims(
            **{
                "iss": iss,
                "aud": self.place,
                "exp": self.now + 1_800,
                "nbf": self.now - 60,
                "iat": self.now - 60,
                "jti": bytes(range(16)),
                "holder": holder_key().public,
                "acr": "urn:causeway:acr:fal3",
                "amr": ("face", "hwk", "pop"),
                "direction": self.direction,
                "origin": "CHN",
                "destination": "HKG",
                "document_type": "eep",
                "face_model": MODEL,
                "face_profile": "q8",
                "status_uri": self.status_uri(iss),
                "status_idx": 5,
                **{name: value for name, value in changes.items() if name not in ("signer", "recipient")},
            }
        )
        issue = issue_cwt if form == "cwt" else issue_jwt
        signer, recipient = changes.get("signer", border_key(iss)), changes.get("recipient", sealing_key())
        return issue(claims, self.sealed(**(sealed or {})), signer_key=signer, recipient=recipient.public)

    def sealed(self, **changes: Any) -> Sealed:
        traveller = Sealed(
            sub="pairwise-subject",
            document_number="CA1234567",
            name_native="陳大文",
            name_latin="CHEN DAWEN",
            birth_date="1990-01-01",
            sex="M",
            nationality="CHN",
            template=bytes(range(128)),
            endorsement=ENDORSEMENT,
            stay_days=None,
            guardian=None,
        )
        return replace(traveller, **changes)

    def present(
        self,
        token: bytes | str,
        *,
        aud: str = "",
        nonce: bytes | None = None,
        at: int | None = None,
        holder: PrivateKey | None = None,
    ) -> str | bytes:
        """The QR code's text, or the local link's body, that the wallet shows at ``at`` (now)."""
        proof = prove(
            token, aud=aud or self.place, nonce=nonce, now=self.now if at is None else at, holder=holder or holder_key()
        )
        if isinstance(token, bytes) and isinstance(proof, bytes):
            return encode_qr(token, proof)
        return encode_link(str(token), str(proof))

    # --- the gate -------------------------------------------------------------------------------------------------

    def lane(self) -> Lane:
        return Lane(
            checkpoint=self.place,
            lane="1",
            direction=self.direction,
            sealing_keys=(key("next sealing"), sealing_key()),
            watch_key=WATCH_KEY,
            challenge=lambda: self.nonce,
        )

    def decide(
        self,
        raw: bytes | str | None = None,
        *,
        bundle: TrustBundle | None = None,
        engine: Callable[[Reference], FaceScore] | None = None,
        at: int | None = None,
    ) -> Decision:
        """Steps 0 to 10 for ``raw`` (a sound presentation) under ``bundle`` (loaded now)."""
        return gate.decide(
            self.present(self.token()) if raw is None else raw,
            bundle=self.load() if bundle is None else bundle,
            lane=self.lane(),
            ledger=self.ledger,
            face=engine or face(),
            now=self.now if at is None else at,
        )
