"""``manage.py federation …``: keys, peers and subordinates of this node, from the command line."""

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from idp import clock
from idp.federation import (
    entities,
    historical_keys,
    key_changes,
    mark_types,
    marks,
    peering,
    resolution,
    signing,
    statements,
    sync,
    terms,
)
from idp.federation.entities import UnableToHost
from idp.federation.management import options as reading
from idp.federation.marks import UnableToMark
from idp.federation.models import MarkType, Peer, SigningKey
from idp.federation.peering import UnableToPeer
from idp.federation.signing import UnableToRoll
from idp.federation.terms import UnableToAgree
from idp.proposals.executors import Unacceptable
from idp.protocol import strict_json
from idp.protocol.entity_statements import ENTITY_STATEMENT
from idp.protocol.jws import parse_unverified
from idp.protocol.refusals import Refusal, Unavailable

UNABLE = (UnableToPeer, UnableToAgree, UnableToMark, UnableToHost, UnableToRoll, Unacceptable)
OPERATOR = "operator"  # whoever has a shell on the node, unless the command names an officer
SWITCHES: dict[str, Callable[..., Peer]] = {
    "accept": peering.accept_recognition,
    "suspend": peering.suspend,
    "resume": peering.resume,
    "end": peering.end,
    "approve-keys": peering.approve_successor,
}


class Command(BaseCommand):
    help = "Keys, peers, subordinates and trust chains of this node."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("init", help="make the keys that are missing")
        acts.add_parser("show", help="this node's configuration, decoded")
        own = acts.add_parser("fingerprint", help="of this node's keys, to be read out to peers and compared there")
        how = own.add_mutually_exclusive_group()
        how.add_argument("--jwks", action="store_true", help="the key set itself, to be brought by a second channel")
        how.add_argument("--each", action="store_true", help="of each key, as the admin site's pages compare them")
        acts.add_parser("peers", help="the peers and how they stand")
        acts.add_parser("sync", help="collect marks, look for peers' keys and chains, mirror status lists")
        _peer(acts.add_parser("propose", help="make a peer known and pin its keys"), jwks=True)
        recognise = acts.add_parser("recognise", help="issue the statement about a peer (proposes it first)")
        _peer(recognise, jwks=True)
        terms_of = acts.add_parser("terms", help="what a peer may vouch for, and until when; without options: show it")
        _peer(terms_of)
        for parser_of in (recognise, terms_of):
            reading.add_terms(parser_of)
        for name in SWITCHES:
            _peer(acts.add_parser(name))
        resolve = acts.add_parser("resolve", help="find the trust chain of an entity")
        resolve.add_argument("entity")
        resolve.add_argument("--explain", action="store_true", help="show every way that was tried, and why it failed")
        resolve.add_argument("--immediate", action="store_true", help="accept no intermediate")
        old = acts.add_parser("verify-old", help="whether an old statement is a peer's, by keys of its past too")
        old.add_argument("entity")
        old.add_argument("file")
        _keys(acts.add_parser("key", help="roll a signing key over"))
        _subordinate(acts.add_parser("subordinate", help="entities below this node"))
        reading.add_mark_types(acts.add_parser("mark-type", help="types of trust marks"), OPERATOR)
        reading.add_marks(acts.add_parser("mark", help="give a trust mark, or take it back"), OPERATOR)

    def handle(self, *args: Any, **options: Any) -> None:
        act: str = options["act"]
        try:
            if act in SWITCHES:
                peer = SWITCHES[act](_find(options["entity"]), officer=options["officer"])
                self._say(f"{peer}: {peer.standing}")
            else:
                getattr(self, f"_{act.replace('-', '_')}")(options)
        except (*UNABLE, Refusal, Unavailable) as error:
            raise CommandError(str(error)) from error

    def _say(self, text: str) -> None:
        self.stdout.write(text)

    def _init(self, options: dict[str, Any]) -> None:
        made = signing.ensure_keys()
        self._say("\n".join(f"made {key.use} {key.algorithm} {key.kid}" for key in made) or "every key was there")

    def _show(self, options: dict[str, Any]) -> None:
        claims = parse_unverified(statements.entity_configuration(clock.now()), ENTITY_STATEMENT).claims
        self._say(json.dumps(claims, indent=2, ensure_ascii=False))

    def _fingerprint(self, options: dict[str, Any]) -> None:
        published = signing.published("federation")
        jwks = published.jwks()
        self._say(json.dumps(jwks) if options["jwks"] else peering.fingerprint(jwks))
        if options["each"]:
            for thumbprint, groups in peering.fingerprints(published).items():
                self._say(f"{thumbprint}: {groups}")

    def _peers(self, options: dict[str, Any]) -> None:
        for peer in Peer.objects.order_by("entity_id"):
            self._say(f"{peer.standing:10} {peer.entity_id}\n           {peering.fingerprint(peer.jwks)}")

    def _sync(self, options: dict[str, Any]) -> None:
        self._say("\n".join(sync.sync(clock.now())))

    def _propose(self, options: dict[str, Any]) -> None:
        peer = peering.propose(options["entity"], officer=options["officer"], jwks=_jwks(options))
        self._say(f"{peer}: {peer.standing}; its keys, to be compared: {peering.fingerprint(peer.jwks)}")

    def _recognise(self, options: dict[str, Any]) -> None:
        if not Peer.objects.filter(entity_id=options["entity"], ended_at=None).exists():
            self._propose(options)
        peer = _find(options["entity"])
        agreed = reading.terms_from(options, terms.of(peer))
        peer = peering.recognise(peer, officer=options["officer"], terms=agreed)
        self._say(f"{peer}: {peer.standing}")

    def _terms(self, options: dict[str, Any]) -> None:
        peer = _find(options["entity"])
        agreed = reading.terms_from(options, terms.of(peer))
        if agreed is not None:
            peer = terms.set_terms(peer, terms=agreed, officer=options["officer"])
        self._say(json.dumps(dataclasses.asdict(terms.of(peer)), indent=2, ensure_ascii=False))
        self._say(f"{peer}: {peer.standing}")

    def _mark_type(self, options: dict[str, Any]) -> None:
        if options["what"] == "list":
            for row in MarkType.objects.order_by("mark_type"):
                self._say(f"{row.mark_type}: {', '.join(row.issuers) or 'any issuer'} {row.owner_entity_id}".rstrip())
            return
        row = mark_types.add(
            mark_type=options["type"],
            description=options["description"],
            issuers=[] if options["any_issuer"] else options["issuers"],
            owner=options["owner"],
            owner_jwks=reading.json_file(options["owner_jwks"]) if options["owner_jwks"] else None,
            delegation=reading.text_file(options["delegation"]) if options["delegation"] else "",
            lifetime=options["lifetime"],
            now=clock.now(),
            actor=options["officer"],
        )
        self._say(f"{row.mark_type}: known")

    def _mark(self, options: dict[str, Any]) -> None:
        mark_type, entity, now, actor = options["type"], options["entity"], clock.now(), options["officer"]
        if options["what"] == "give":
            marks.give(mark_type=mark_type, subject=entity, now=now, actor=actor)
        elif not marks.revoke(mark_type=mark_type, subject=entity, now=now, actor=actor):
            raise CommandError("it holds no such mark")
        self._say(f"{entity}: {mark_type} {'given' if options['what'] == 'give' else 'revoked'}")

    def _resolve(self, options: dict[str, Any]) -> None:
        found = resolution.explain(options["entity"], now=clock.now(), immediate=options["immediate"])
        if options["explain"]:
            self._say(found.tree())
            self._say(f"fetches: {found.fetches}")
        chain = found.require()
        self._say(f"chain: {' > '.join(chain.path)}, good until {chain.expires_at}")
        self._say(json.dumps(chain.metadata, indent=2, ensure_ascii=False))

    def _verify_old(self, options: dict[str, Any]) -> None:
        try:
            text = Path(options["file"]).read_text("ascii").strip()
        except (OSError, UnicodeError) as error:
            raise CommandError("the file cannot be read") from error
        verified = historical_keys.verify_old(text, peer=_find(options["entity"]), now=clock.now())
        self._say(f"signed by {verified.key.kid}: {json.dumps(verified.claims, indent=2, ensure_ascii=False)}")

    def _key(self, options: dict[str, Any]) -> None:
        step, use, algorithm, owner = options["step"], options["use"], options["algorithm"], options["hosted"]
        if (use == "hosted") != bool(owner):
            raise CommandError("--use hosted and --hosted PATH belong together")
        if owner and not SigningKey.objects.filter(use=use, owner=owner).exists():
            raise CommandError("no such hosted entity: --hosted")
        if step == "list":
            self._say("\n".join(map(_line, SigningKey.objects.order_by("use", "owner", "algorithm", "pk"))))
            return
        row = _changed_key(step, {"use": use, "algorithm": algorithm, "owner": owner}, options)
        self._say(f"{row.use} {row.algorithm} {row.kid}: {row.state}")

    def _subordinate(self, options: dict[str, Any]) -> None:
        if options["what"] == "end":
            entities.end_subordinate(entity_id=options["entity"], now=clock.now(), actor=options["officer"])
            self._say(f"{options['entity']}: ended")
            return
        row = entities.register_subordinate(
            entity_id=options["entity"],
            jwks=_jwks(options) or {},
            entity_types=options["types"],
            metadata=reading.json_file(options["metadata"]) if options["metadata"] else None,
            metadata_policy=reading.json_file(options["policy"]) if options["policy"] else None,
            now=clock.now(),
            actor=options["officer"],
        )
        self._say(f"{row}: {', '.join(row.entity_types)}")


def _peer(parser: CommandParser, *, jwks: bool = False) -> None:
    parser.add_argument("entity")
    parser.add_argument("--officer", default=OPERATOR)
    if jwks:
        parser.add_argument("--jwks", help="file with the peer's federation keys, brought by a second channel")


def _line(key: SigningKey) -> str:
    since = datetime.fromtimestamp(key.retired_at or key.made_at, UTC)
    return f"{key.use:10} {key.algorithm} {key.state:6} {since:%Y-%m-%d %H:%M}Z {key.kid} {key.owner}".rstrip()


def _changed_key(step: str, place: dict[str, Any], options: dict[str, Any]) -> SigningKey:
    """One step by one operator, which another officer reviews; that keys are prepared needs nobody's word."""
    now, actor, kid, why = clock.now(), options["officer"], options["kid"] or "", options["why"]
    if step == "prepare":
        return signing.prepare_next(**place, actor=actor)
    if step == "activate":
        early = options["emergency"]
        act = partial(signing.activate_next, **place, now=now, actor=actor, emergency=early)
        return key_changes.alone(act, what=f"activated: {why}", officer=actor, now=now)
    if not SigningKey.objects.filter(kid=kid).exists():
        raise CommandError("no such key: --kid")
    if step == "kill":
        return key_changes.kill(kid=kid, why=why, officer=actor, now=now)
    act = partial(signing.withdraw, kid=kid, now=now, actor=actor)
    return key_changes.alone(act, what=f"withdrawn: {why}", officer=actor, now=now)


def _keys(parser: CommandParser) -> None:
    parser.add_argument("step", choices=["list", "prepare", "activate", "withdraw", "kill"])
    parser.add_argument("--use", choices=(*signing.NODE_USES, "hosted"), default="federation")
    parser.add_argument("--hosted", default="", help="path of the hosted entity, as in checkpoints/CODE")
    parser.add_argument("--algorithm")
    parser.add_argument("--kid", help="written --kid=KID: a kid may begin with -")
    parser.add_argument("--emergency", action="store_true", help="activate at once, whoever does not know the key yet")
    parser.add_argument("--why", default="at the command line", help="for the officer who reviews it")
    parser.add_argument("--officer", default=OPERATOR)


def _subordinate(parser: CommandParser) -> None:
    what = parser.add_subparsers(dest="what", required=True)
    add = what.add_parser("add")
    add.add_argument("entity")
    add.add_argument("--jwks", required=True, help="file with the entity's federation keys, a JWK Set")
    add.add_argument("--types", nargs="+", required=True, choices=sorted(entities.SUBORDINATE_TYPES))
    add.add_argument("--metadata", help="JSON file, by entity type: what we state over its own")
    add.add_argument("--policy", help="JSON file, by entity type: metadata policy")
    end = what.add_parser("end")
    end.add_argument("entity")
    for parser_of in (add, end):
        parser_of.add_argument("--officer", default=OPERATOR)


def _find(entity_id: str) -> Peer:
    peer = Peer.objects.filter(entity_id=entity_id).first()
    if peer is None:
        raise CommandError("no such peer: propose or recognise it first")
    return peer


def _jwks(options: dict[str, Any]) -> dict[str, Any] | None:
    if not options.get("jwks"):
        return None
    try:
        return strict_json.loads_object(Path(options["jwks"]).read_bytes())
    except OSError as error:
        raise CommandError("the key file cannot be read") from error
