"""A federation in memory: authorities with real keys that sign on demand, true documents and false ones.

`Federation.fetch(url)` is what discovery calls for the network: it signs what was asked for at that moment, counts
every call, and answers for what is not there as an outage would. Nothing here verifies anything.
"""

import itertools
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from idp.protocol import jws, keys
from idp.protocol.entity_ids import WELL_KNOWN
from idp.protocol.entity_statements import ENTITY_STATEMENT
from idp.protocol.jws import TokenType
from idp.protocol.keys import KeySet, PrivateKey
from idp.protocol.refusals import Unavailable
from idp.protocol.strict_json import b64decode, b64encode, dumps
from idp.protocol.trust_marks import DELEGATION, TRUST_MARK

LIFETIME = 3600  # seconds; every document of a simulated authority
REMOVE = Ellipsis  # given as a claim's value, leaves the claim out


class Federation:
    """Entities by identifier, and the network between them."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.entities: dict[str, AuthoritySimulator] = {}
        self.fetched: list[str] = []  # every URL asked for, in order
        self.pages: dict[str, str] = {}  # URL -> text, before anything else: for what no authority would sign
        self.down: set[str] = set()  # hosts that do not answer

    def authority(self, entity_id: str, **metadata: Mapping[str, Any]) -> "AuthoritySimulator":
        """Add an authority; ``metadata`` by entity type, federation endpoints are its own."""
        return AuthoritySimulator(entity_id, federation=self, metadata=metadata)

    def fetch(self, url: str) -> str:
        """The text at ``url``; `Unavailable` where nobody answers or nothing is there."""
        self.fetched.append(url)
        if url in self.pages:
            return self.pages[url]
        if urlsplit(url).netloc in self.down:
            raise Unavailable("down")
        for authority in self.entities.values():
            text = authority.answer(url)
            if text is not None:
                return text
        raise Unavailable("not found")

    def anchors(self, *authorities: "AuthoritySimulator") -> dict[str, KeySet]:
        """Pins for ``authorities``."""
        return {authority.entity_id: authority.keys for authority in authorities}


class AuthoritySimulator:
    """One entity: anchor, intermediate, leaf and mark issuer, whichever a test makes of it."""

    def __init__(
        self,
        entity_id: str,
        *,
        federation: Federation,
        metadata: Mapping[str, Mapping[str, Any]] | None = None,
        algorithm: str = "ES256",
    ) -> None:
        self.entity_id = entity_id
        self.federation = federation
        self.key: PrivateKey = keys.generate(algorithm)
        self.hints: list[str] = []
        self.metadata: dict[str, Any] = {**(metadata or {})}
        self.configuration_claims: dict[str, Any] = {}  # overlay of every configuration
        self.about: dict[str, dict[str, Any]] = {}  # subordinate -> overlay of the statement about it
        self.marks: list[dict[str, str]] = []  # what its configuration carries
        federation.entities[entity_id] = self

    @property
    def keys(self) -> KeySet:
        return KeySet([self.key.public])

    @property
    def fetch_endpoint(self) -> str:
        return f"{self.entity_id}/federation/fetch"

    def recognise(self, other: "AuthoritySimulator", *, hinted: bool = True, **claims: Any) -> None:
        """Issue statements about ``other`` from now on; with ``hinted`` the other names this one as superior."""
        self.about[other.entity_id] = claims
        if hinted and self.entity_id not in other.hints:
            other.hints.append(self.entity_id)

    def end(self, other: "AuthoritySimulator") -> None:
        """Withdraw the recognition: the fetch endpoint knows nothing of ``other`` from now on."""
        self.about.pop(other.entity_id, None)

    def configuration(
        self, *, signer: PrivateKey | None = None, header: Mapping[str, Any] | None = None, **claims: Any
    ) -> str:
        """Its entity configuration, each claim replaceable, signed with its key or with ``signer``."""
        base: dict[str, Any] = {**self._times(), "iss": self.entity_id, "sub": self.entity_id, "jwks": self.keys.jwks()}
        own = {"federation_fetch_endpoint": self.fetch_endpoint} if self.about else {}
        base["metadata"] = {"federation_entity": own, **self.metadata}
        if self.hints:
            base["authority_hints"] = list(self.hints)
        if self.marks:
            base["trust_marks"] = list(self.marks)
        return self._sign(ENTITY_STATEMENT, {**base, **self.configuration_claims, **claims}, signer, header)

    def statement(
        self,
        about: "AuthoritySimulator | str",
        *,
        signer: PrivateKey | None = None,
        header: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """Its statement about a subordinate, as `recognise` set it up; each claim replaceable."""
        subject = self.federation.entities[about] if isinstance(about, str) else about
        base = {
            **self._times(),
            "iss": self.entity_id,
            "sub": subject.entity_id,
            "jwks": subject.keys.jwks(),
            "source_endpoint": self.fetch_endpoint,
        }
        overlay = self.about.get(subject.entity_id, {})
        return self._sign(ENTITY_STATEMENT, {**base, **overlay, **claims}, signer, header)

    def mark(self, holder: str, mark_type: str, *, signer: PrivateKey | None = None, **claims: Any) -> str:
        """A trust mark for ``holder``; it expires unless ``exp=REMOVE``."""
        base = {**self._times(), "iss": self.entity_id, "sub": holder, "trust_mark_type": mark_type}
        return self._sign(TRUST_MARK, {**base, **claims}, signer, None)

    def delegation(self, issuer: str, mark_type: str, **claims: Any) -> str:
        """As owner of ``mark_type``, the right for ``issuer`` to give such marks."""
        base = {**self._times(), "iss": self.entity_id, "sub": issuer, "trust_mark_type": mark_type}
        return self._sign(DELEGATION, {**base, **claims}, None, None)

    def carry(self, mark: str, mark_type: str) -> None:
        """Put ``mark`` into its configuration from now on."""
        self.marks.append({"trust_mark_type": mark_type, "trust_mark": mark})

    def answer(self, url: str) -> str | None:
        """What its server says at ``url``; None where the URL is not its own or has nothing."""
        if url == self.entity_id.removesuffix("/") + WELL_KNOWN:
            return self.configuration()
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}{parts.path}" != self.fetch_endpoint:
            return None
        subject = parse_qs(parts.query).get("sub", [""])[0]
        return self.statement(subject) if subject in self.about and subject in self.federation.entities else None

    def fetch(self, url: str) -> str:
        """The network, as this authority sees it."""
        return self.federation.fetch(url)

    def _times(self) -> dict[str, int]:
        return {"iat": self.federation.now, "exp": self.federation.now + LIFETIME}

    def _sign(
        self,
        token_type: TokenType,
        claims: Mapping[str, Any],
        signer: PrivateKey | None,
        header: Mapping[str, Any] | None,
    ) -> str:
        kept = {name: value for name, value in claims.items() if value is not REMOVE}
        return jws.sign(token_type, kept, signer or self.key, header)


def chain(*authorities: AuthoritySimulator, anchored: bool = True) -> list[str]:
    """The chain subject … anchor through ``authorities``; with ``anchored`` the anchor's configuration ends it."""
    texts = [authorities[0].configuration()]
    for subject, superior in itertools.pairwise(authorities):
        texts.append(superior.statement(subject))
    if anchored and len(authorities) > 1:
        texts.append(authorities[-1].configuration())
    return texts


def tampered(text: str, old: str, new: str) -> str:
    """``text`` with its claims rewritten and its signature left as it was."""
    head, body, signature = text.split(".")
    claims = re.sub(re.escape(old), new, b64decode(body).decode(), count=1)
    return f"{head}.{b64encode(claims.encode())}.{signature}"


def with_raw_claims(claims: str, *, signer: PrivateKey, token_type: TokenType = ENTITY_STATEMENT) -> str:
    """``claims``, a JSON text that no library would write, under a true signature."""
    header = dumps({"alg": signer.algorithm, "kid": signer.kid, "typ": token_type.typ})
    signing_input = f"{b64encode(header)}.{b64encode(claims.encode())}"
    return f"{signing_input}.{b64encode(jws.LocalSigner(signer).sign(signing_input.encode()))}"


def loop(federation: Federation, *identifiers: str) -> list[AuthoritySimulator]:
    """Authorities that all recognise each other: the graph that mutual recognition makes."""
    members = [federation.authority(identifier) for identifier in identifiers]
    for superior in members:
        for subordinate in members:
            if superior is not subordinate:
                superior.recognise(subordinate)
    return members
