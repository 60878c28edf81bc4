"""What the node holds about the entities around it, put together as the trust graph."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from idp import conf
from idp.accounts.context import in_language
from idp.border.models import Checkpoint
from idp.federation import alarms, failures, marks
from idp.federation.alarms import Kind
from idp.federation.columns import STANDINGS
from idp.federation.models import ChainCache, HeldMark, HostedEntity, Peer, Statement, Subordinate
from idp.office.trust.graph import Edge, Graph, Node, Sort, State, Tie, drawn, worst
from idp.oidc.models import Client
from idp.protocol.entity_statements import ENTITY_STATEMENT
from idp.protocol.jws import parse_unverified

MAX_READ = 500  # chains and clients that are looked at
SOON = 86_400  # seconds before its end at which a statement is marked
_PEERS = {
    "mutual": State.WELL,
    "one-sided": State.SOON,
    "proposed": State.OFF,
    "awaited": State.OFF,
    "ended": State.OFF,
    "suspended": State.BROKEN,
    "lapsed": State.BROKEN,
}
_CHAINED = (Client.Registration.AUTOMATIC, Client.Registration.EXPLICIT)


def trust_graph(now: int) -> Graph:
    """Everything around this node, as it stands at ``now``."""
    return _Facts(now).graph()


class _Facts:
    """One look at the database: each table is read once."""

    def __init__(self, now: int) -> None:
        self.now, self.node = now, conf.authority().entity_id
        self.marks = marks.standing(now)
        self.stated = dict(Statement.objects.filter(issuer=self.node).values_list("subject", "expires_at"))
        self.troubles: dict[str, list[str]] = {}
        self.states: dict[str, list[State]] = {}
        for alarm in alarms.alarms(now):
            if alarm.kind is Kind.FAILURE:  # told below, the young ones too
                continue
            subject = self.node if alarm.kind is Kind.KEY else alarm.subject
            self._trouble(subject, alarm.text, State.BROKEN if alarm.over else State.SOON)
        for row in failures.standing():
            text = _("It did not succeed to %(act)s: %(why)s") % {"act": row.get_act_display(), "why": row.detail}
            broken = row.act in (row.Act.CHAIN, row.Act.ISSUER)
            self._trouble(row.entity_id, text, State.BROKEN if broken else State.SOON)
        self.nodes: dict[str, Node] = {}
        self.edges: dict[tuple[str, str, Tie], Edge] = {}

    def graph(self) -> Graph:
        self._add(self.node, Sort.ANCHOR, name=_name(conf.authority().name))
        self._peers()
        self._below()
        self._chains()
        self._clients()
        return drawn(list(self.nodes.values()), list(self.edges.values()))

    def _trouble(self, entity_id: str, text: str, state: State) -> None:
        self.troubles.setdefault(entity_id, []).append(text)
        self.states.setdefault(entity_id, []).append(state)

    def _add(
        self, entity_id: str, sort: Sort, *, name: str = "", standing: str = "", state: State = State.WELL
    ) -> None:
        """Once: what came first knows best what the entity is."""
        if entity_id not in self.nodes:
            found = tuple(dict.fromkeys(self.troubles.get(entity_id, ())))
            how = worst([state, *self.states.get(entity_id, ())]) if state is not State.OFF else state
            given = tuple(sorted(self.marks.get(entity_id, ())))
            self.nodes[entity_id] = Node(entity_id, sort, name, standing, how, given, found)

    def _tie(self, superior: str, subject: str, tie: Tie, until: int | None) -> None:
        over = State.WELL if until is None or until > self.now + SOON else State.SOON
        state = State.BROKEN if until is not None and until <= self.now else over
        self.edges.setdefault((superior, subject, tie), Edge(superior, subject, tie, until, state))

    def _peers(self) -> None:
        held = dict(HeldMark.objects.values_list("peer__entity_id", "expires_at"))
        for peer in Peer.objects.order_by("entity_id"):
            standing = peer.standing
            self._add(
                peer.entity_id,
                Sort.PEER,
                name=_name(peer.name),
                standing=str(STANDINGS[standing]),
                state=_PEERS[standing],
            )
            if peer.ended_at is None and peer.is_recognised(self.now):
                self._tie(self.node, peer.entity_id, Tie.STATEMENT, self.stated.get(peer.entity_id))
            if peer.entity_id in held and peer.ended_at is None:
                self._tie(peer.entity_id, self.node, Tie.MARK, held[peer.entity_id])

    def _below(self) -> None:
        """What this node hosts or registered, checkpoints by their names."""
        places = {row.hosted_id: _name(row.name) for row in Checkpoint.objects.all()}
        hosted = {row.entity_id: row.pk for row in HostedEntity.objects.all()}
        for row in Subordinate.objects.filter(ended_at=None).order_by("entity_id"):
            place = places.get(hosted.get(row.entity_id, 0))
            sort = Sort.SUBORDINATE if place is None else Sort.CHECKPOINT
            self._add(row.entity_id, sort, name=place or "", standing=", ".join(row.entity_types))
            self._tie(self.node, row.entity_id, Tie.STATEMENT, self.stated.get(row.entity_id))

    def _chains(self) -> None:
        """What was found below others: the chains that are held."""
        rows = ChainCache.objects.filter(failure="", expires_at__gt=self.now).order_by("subject", "immediate")
        for row in rows[:MAX_READ]:
            read = [parse_unverified(text, ENTITY_STATEMENT).claims for text in row.statements]
            if read:
                metadata = read[0].get("metadata", {})
                self._add(row.subject, _sort(metadata), name=_own_name(metadata), standing=", ".join(sorted(metadata)))
            for claims in read[1:]:
                if claims["iss"] != claims["sub"]:
                    self._add(claims["sub"], Sort.OTHER)
                    self._tie(claims["iss"], claims["sub"], Tie.STATEMENT, claims["exp"])

    def _clients(self) -> None:
        for client in Client.objects.order_by("disabled", "client_id")[:MAX_READ]:
            ended = client.expires_at is not None and client.expires_at <= self.now
            state = State.OFF if client.disabled or ended else State.WELL
            standing = str(Client.Registration(client.registration).label)
            self._add(client.client_id, Sort.CLIENT, name=_client_name(client), standing=standing, state=state)
            for superior, subject in _steps(client):
                self._tie(superior, subject, Tie.STATEMENT, None)
            if client.registration not in _CHAINED:
                self._tie(self.node, client.client_id, Tie.REGISTRATION, client.expires_at)


def _steps(client: Client) -> Iterator[tuple[str, str]]:
    """(superior, subject) along the chain that it registered by; known already where that chain is held."""
    path = [str(member) for member in client.chain_path]
    yield from zip(path[1:], path[:-1], strict=True) if path else ()


def _sort(metadata: Mapping[str, Any]) -> Sort:
    if "oauth_resource" in metadata:
        return Sort.CHECKPOINT
    return Sort.CLIENT if {"openid_relying_party", "oauth_client"} & metadata.keys() else Sort.OTHER


def _client_name(client: Client) -> str:
    return _own_name({"client": client.metadata})


def _own_name(metadata: Mapping[str, Mapping[str, Any]]) -> str:
    """What an entity calls itself, in English; empty where it does not."""
    found = (part.get(name) for part in metadata.values() for name in ("client_name", "organization_name"))
    return next((name for name in found if isinstance(name, str)), "")


def _name(names: Mapping[str, str]) -> str:
    return in_language(names, get_language() or "en") if names else ""


def left_out(graph: Graph) -> list[str]:
    """What is not drawn, in words."""
    return [_more(sort, count) % {"n": count} for sort, count in graph.left_out.items()]


def _more(sort: Sort, count: int) -> str:
    if sort is Sort.CHECKPOINT:
        return ngettext("%(n)d more checkpoint", "%(n)d more checkpoints", count)
    if sort is Sort.CLIENT:
        return ngettext("%(n)d more client", "%(n)d more clients", count)
    return ngettext("%(n)d more entity", "%(n)d more entities", count)
