"""Types of trust marks, their owners, and marks for subordinates as well as peers (Federation §7)."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from idp.audit.models import AuditEvent
from idp.federation import entities, mark_types, marks, peering, resolution, signing, statements, terms
from idp.federation.marks import UnableToMark
from idp.federation.models import IssuedMark, MarkType, Peer
from idp.protocol import jws, keys
from idp.protocol.entity_statements import ENTITY_STATEMENT, EntityConfiguration, parse_entity_configuration
from idp.protocol.jws import parse_unverified
from idp.protocol.keys import KeySet
from idp.protocol.refusals import Refusal
from idp.protocol.trust_marks import DELEGATION, TRUST_MARK, verify_trust_mark
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Peers
from tests.simulators.federation import REMOVE, AuthoritySimulator

PRIVACY = "https://marks.example/privacy"
RESOURCE = {"oauth_resource": {"resource": "x"}}


def _configuration(now: int = NOW) -> EntityConfiguration:
    return parse_entity_configuration(statements.entity_configuration(now), now=now)


def _give(subject: str, mark_type: str = PRIVACY) -> str:
    marks.give(mark_type=mark_type, subject=subject, now=NOW, actor=OFFICER)
    return marks.issued(mark_type=mark_type, subject=subject, now=NOW)


@pytest.fixture
def checkpoint(node: str) -> str:
    return entities.host(path="checkpoints/lmc", metadata=RESOURCE, now=NOW).entity_id


@pytest.fixture
def owner(peers: Peers) -> AuthoritySimulator:
    return peers.authority("owner")


def _owned(owner: AuthoritySimulator, node: str, delegation: str | None = None, **more: Any) -> MarkType:
    return mark_types.add(
        mark_type=PRIVACY,
        owner=owner.entity_id,
        owner_jwks=owner.keys.jwks(),
        delegation=owner.delegation(node, PRIVACY) if delegation is None else delegation,
        now=NOW,
        **more,
    )


def test_a_type_is_published_with_its_issuers_and_ours_is_always_there(node: str) -> None:
    border = marks.border_issuer(node)
    assert _configuration().trust_mark_issuers == {border: (node,)}
    mark_types.add(mark_type=PRIVACY, now=NOW, actor=OFFICER)
    mark_types.add(mark_type="https://marks.example/any", issuers=[], now=NOW)
    mark_types.add(mark_type="https://marks.example/other", issuers=["https://b.example", "https://a.example"], now=NOW)
    assert _configuration().trust_mark_issuers == {
        border: (node,),
        PRIVACY: (node,),
        "https://marks.example/any": (),
        "https://marks.example/other": ("https://a.example", "https://b.example"),
    }
    assert _configuration().trust_mark_owners == {}
    assert "trust_mark_owners" not in _configuration().claims
    assert AuditEvent.objects.get(kind="federation.mark_type.added", actor=OFFICER).subject == PRIVACY


def test_an_owned_type_is_published_with_its_owner_and_carries_the_delegation(
    node: str, owner: AuthoritySimulator, checkpoint: str
) -> None:
    _owned(owner, node)
    configuration = _configuration()
    assert configuration.trust_mark_owners[PRIVACY].sub == owner.entity_id
    assert configuration.trust_mark_owners[PRIVACY].keys.jwks() == owner.keys.jwks()
    verified = verify_trust_mark(
        _give(checkpoint),
        holder=checkpoint,
        mark_type=PRIVACY,
        issuer_keys=signing.published("federation"),
        issuer=node,
        now=NOW,
        owners=configuration.trust_mark_owners,
    )
    assert verified.claims["delegation"]


@pytest.mark.parametrize(
    "change",
    [
        {"sub": "https://x.example"},
        {"iss": "https://x.example"},
        {"trust_mark_type": "https://marks.example/other"},
        {"exp": NOW - 60},
        {"exp": NOW},
        {"iat": NOW + 60},
        {"iat": REMOVE},
    ],
    ids=str,
)
def test_a_delegation_that_does_not_hold_is_refused_at_entry(
    node: str, owner: AuthoritySimulator, change: dict[str, Any]
) -> None:
    """Invalid solely because of one claim of the owner's delegation (negative case 19)."""
    mark_type = change.pop("trust_mark_type", PRIVACY)
    with pytest.raises(Refusal):
        _owned(owner, node, owner.delegation(node, mark_type, **change))
    assert not MarkType.objects.exists()


def test_a_delegation_by_another_key_or_of_another_kind_is_refused(
    node: str, owner: AuthoritySimulator, peers: Peers
) -> None:
    """Invalid solely because of the signature, the kind, or a missing kid (negative case 19)."""
    claims = {"iss": owner.entity_id, "sub": node, "trust_mark_type": PRIVACY, "iat": NOW}
    parts = [{"alg": "ES256", "typ": "trust-mark-delegation+jwt"}, claims]
    unnamed = ".".join(jws.strict_json.b64encode(jws.strict_json.dumps(part)) for part in parts)
    signature = jws.strict_json.b64encode(jws.LocalSigner(owner.key).sign(unnamed.encode()))
    for text in (
        jws.sign(DELEGATION, claims, peers.mo.key),
        jws.sign(TRUST_MARK, claims, owner.key),
        f"{unnamed}.{signature}",
        "x",
    ):
        with pytest.raises(Refusal):
            _owned(owner, node, text)
    assert not MarkType.objects.exists()


@pytest.mark.parametrize(
    "bad",
    [
        {"mark_type": "http://hk.localhost:8002/trust-marks/border-issuer"},
        {"owner": "https://o.example"},
        {"owner_jwks": {"keys": []}},
        {"delegation": "x"},
        {"owner": "http://hk.localhost:8002", "owner_jwks": {"keys": []}},
        {"lifetime": 0},
        {"lifetime": mark_types.MAX_LIFETIME + 1},
        {"description": "x" * 1025},
    ],
    ids=str,
)
def test_a_type_that_contradicts_itself_is_not_taken(node: str, bad: dict[str, Any]) -> None:
    """Invalid solely because of the one value."""
    with pytest.raises(UnableToMark):
        mark_types.add(**{"mark_type": PRIVACY, "now": NOW, **bad})
    assert not MarkType.objects.exists()


@pytest.mark.parametrize("bad", [{"mark_type": "privacy"}, {"issuers": ["x"]}, {"owner": "x", "owner_jwks": {}}])
def test_what_is_no_identifier_is_not_taken(node: str, bad: dict[str, Any]) -> None:
    """Invalid solely because of an identifier."""
    with pytest.raises(Refusal):
        mark_types.add(**{"mark_type": PRIVACY, "now": NOW, **bad})


def test_a_private_key_of_an_owner_is_not_taken(node: str) -> None:
    """Invalid solely because the key set has private members."""
    with pytest.raises(Refusal):
        mark_types.add(
            mark_type=PRIVACY, owner="https://o.example", owner_jwks={"keys": [keys.generate().jwk()]}, now=NOW
        )


def test_a_mark_of_a_type_that_is_not_ours_is_not_given(node: str, checkpoint: str, owner: AuthoritySimulator) -> None:
    """Invalid solely because of the type: unknown, another's, owned and not delegated."""
    mark_types.add(mark_type="https://marks.example/other", issuers=["https://b.example"], now=NOW)
    _owned(owner, node, "")
    for mark_type in ("https://marks.example/unknown", "https://marks.example/other", PRIVACY):
        with pytest.raises(UnableToMark):
            _give(checkpoint, mark_type)
    assert not IssuedMark.objects.exists()


def test_a_mark_for_somebody_who_is_not_below_us_is_not_given(node: str, peers: Peers) -> None:
    """Invalid solely because the node issues no statement about the subject."""
    mark_types.add(mark_type=PRIVACY, now=NOW)
    ended = peering.end(peering.propose(peers.mo.entity_id), officer=OFFICER)
    for subject in (peers.cn.entity_id, ended.entity_id, node):
        with pytest.raises(UnableToMark):
            _give(subject)


def test_a_mark_lives_as_long_as_its_type_says_and_never_past_its_delegation(
    node: str, owner: AuthoritySimulator, checkpoint: str
) -> None:
    _owned(owner, node, owner.delegation(node, PRIVACY, exp=NOW + 900), lifetime=1800)
    text = _give(checkpoint)
    assert parse_unverified(text, TRUST_MARK).claims["exp"] == NOW + 900
    assert marks.issued(mark_type=PRIVACY, subject=checkpoint, now=NOW + 400) == text
    assert marks.issued(mark_type=PRIVACY, subject=checkpoint, now=NOW + 899) == text, "a new one would last no longer"
    with pytest.raises(UnableToMark):
        marks.issued(mark_type=PRIVACY, subject=checkpoint, now=NOW + 900)
    assert marks.marked(mark_type=PRIVACY, now=NOW + 899) == [checkpoint]
    assert marks.marked(mark_type=PRIVACY, now=NOW + 900) == []
    hosted = statements.HostedEntity.objects.get()
    assert (
        "trust_marks"
        not in parse_unverified(statements.hosted_configuration(hosted, NOW + 900), ENTITY_STATEMENT).claims
    ), "the entity speaks on without it"


def test_a_short_lived_mark_is_signed_again_when_half_worn(node: str, checkpoint: str) -> None:
    mark_types.add(mark_type=PRIVACY, lifetime=1800, now=NOW)
    text = _give(checkpoint)
    assert marks.issued(mark_type=PRIVACY, subject=checkpoint, now=NOW + 900) == text
    assert marks.issued(mark_type=PRIVACY, subject=checkpoint, now=NOW + 901) != text
    mark_types.add(mark_type=PRIVACY, lifetime=60, now=NOW)
    shortened = marks.issued(mark_type=PRIVACY, subject=checkpoint, now=NOW + 902)
    assert parse_unverified(shortened, TRUST_MARK).claims["exp"] == NOW + 962


def test_a_new_delegation_shows_in_the_mark_at_once(node: str, owner: AuthoritySimulator, checkpoint: str) -> None:
    _owned(owner, node)
    _give(checkpoint)
    fresh = owner.delegation(node, PRIVACY, ref="https://owner.example/new")
    _owned(owner, node, fresh)
    text = marks.issued(mark_type=PRIVACY, subject=checkpoint, now=NOW)
    assert parse_unverified(text, TRUST_MARK).claims["delegation"] == fresh


def test_a_hosted_entity_shows_its_marks_and_a_resolver_believes_them(node: str, checkpoint: str) -> None:
    mark_types.add(mark_type=PRIVACY, now=NOW)
    text = _give(checkpoint)
    chain = resolution.resolve(checkpoint, now=NOW)
    assert chain.trust_marks == ({"trust_mark_type": PRIVACY, "trust_mark": text},)
    assert resolution.verified_mark(chain, PRIVACY, now=NOW).sub == checkpoint
    assert marks.revoke(subject=checkpoint, mark_type=PRIVACY, now=NOW, actor=OFFICER) == 1
    assert resolution.resolve(checkpoint, now=NOW).trust_marks == ()


def test_revoking_one_type_leaves_the_others_and_says_so_in_the_status(node: str, peers: Peers) -> None:
    peer = peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    mark_types.add(mark_type=PRIVACY, now=NOW)
    privacy = _give(peer.entity_id)
    border = marks.issued(mark_type=marks.border_issuer(node), subject=peer.entity_id, now=NOW)
    assert marks.standing(NOW) == {peer.entity_id: {PRIVACY, marks.border_issuer(node)}}
    assert marks.revoke(subject=peer.entity_id, mark_type=PRIVACY, now=NOW, actor=OFFICER) == 1
    assert marks.revoke(subject=peer.entity_id, mark_type=PRIVACY, now=NOW, actor=OFFICER) == 0
    assert (marks.state(privacy, NOW), marks.state(border, NOW)) == ("revoked", "active")
    assert AuditEvent.objects.filter(kind="federation.mark.revoked", actor=OFFICER).count() == 1


def test_every_mark_goes_with_the_recognition_and_with_the_subordinate(node: str, peers: Peers) -> None:
    mark_types.add(mark_type=PRIVACY, now=NOW)
    peer = peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    messenger = "https://messenger.example"
    entities.register_subordinate(
        entity_id=messenger, jwks=KeySet([keys.generate().public]).jwks(), entity_types=["oauth_client"], now=NOW
    )
    texts = [_give(peer.entity_id), _give(messenger)]
    assert marks.marked(mark_type=PRIVACY, now=NOW) == [peer.entity_id, messenger]
    peering.suspend(peer, officer=OFFICER)
    assert marks.marked(mark_type=PRIVACY, now=NOW) == [messenger]
    peering.resume(peer, officer=OFFICER)
    assert [marks.state(text, NOW) for text in texts] == ["active", "active"]
    peering.end(peer, officer=OFFICER)
    entities.end_subordinate(entity_id=messenger, now=NOW, actor=OFFICER)
    assert [marks.state(text, NOW) for text in texts] == ["revoked", "revoked"]
    assert marks.standing(NOW) == {}
    assert not IssuedMark.objects.filter(revoked_at=None).exists()


def test_giving_a_mark_twice_gives_one(node: str, checkpoint: str) -> None:
    mark_types.add(mark_type=PRIVACY, now=NOW)
    _give(checkpoint)
    _give(checkpoint)
    assert IssuedMark.objects.count() == 1
    assert AuditEvent.objects.filter(kind="federation.mark.given").count() == 1


def test_new_terms_have_the_marks_signed_anew(node: str, peers: Peers) -> None:
    peer = peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    border = marks.border_issuer(node)
    marks.issued(mark_type=border, subject=peer.entity_id, now=NOW)
    terms.set_terms(peer, terms=terms.Terms(contract="x"), officer=OFFICER)
    assert IssuedMark.objects.get().signed_at == 0


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("federation_mark_type_lives", {"lifetime": 0}),
        ("federation_mark_type_owned", {"owner_entity_id": "https://o.example"}),
        ("federation_mark_type_owned", {"owner_jwks": {"keys": []}}),
        ("federation_mark_type_owned", {"delegation": "x"}),
    ],
)
def test_an_impossible_type_is_refused_by_the_database(db: None, name: str, values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        MarkType.objects.create(mark_type=PRIVACY, **values)


def test_marks_given_before_there_were_subjects_name_their_peer(node: str, peers: Peers) -> None:
    """The migration's own step, on a row as it stood before."""
    import importlib

    from django.apps import apps

    peer = peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    IssuedMark.objects.update(subject="")
    importlib.import_module("idp.federation.migrations.0003_terms_and_marks").name_subjects(apps, None)
    assert IssuedMark.objects.get().subject == Peer.objects.get(pk=peer.pk).entity_id
