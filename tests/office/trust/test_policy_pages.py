"""The policy editor: nothing is saved by looking, what cannot stand is told, and two officers make the change."""

import dataclasses
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction

from idp.accounts import granting
from idp.accounts.models import Account
from idp.accounts.roles import Role
from idp.border import destinations, recording
from idp.border.models import IssuedToken, SurveyedCheckpoint
from idp.federation import resolution, terms
from idp.federation.models import Peer
from idp.federation.recognition import payloads
from idp.federation.rehearsal import Effect, Subject, Verdict
from idp.federation.terms import PEER_TYPES
from idp.office.trust import effects, in_field, policy_forms, policy_view
from idp.oidc import registration
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client
from idp.proposals import proposing
from idp.proposals.models import Proposal
from idp.protocol.refusals import Reason, Refusal
from tests.border.test_destinations import place as checkpoint_of
from tests.office.trust.conftest import Trusted, officer_with

RULE = ("openid_provider", "id_token_signing_alg_values_supported", "subset_of", "ES256")
NO_ISSUER = [name for name in PEER_TYPES if name != "border_token_issuer"]


@pytest.fixture
def peer(trusted: Trusted) -> Peer:
    return Peer.objects.get(entity_id=trusted.cn)


def sent(peer: Peer, *rules: tuple[str, str, str, str], **changed: Any) -> dict[str, Any]:
    """What the form sends with these rules."""
    data: dict[str, Any] = {"rule-INITIAL_FORMS": "0", "rule-TOTAL_FORMS": str(len(rules)), "propose": ""}
    for place, rule in enumerate(rules):
        names = ("entity_type", "parameter", "operator", "text")
        data |= {f"rule-{place}-{name}": value for name, value in zip(names, rule, strict=True)}
    return {**data, **policy_forms.initial_constraints(peer), **changed}


def post(browser: Any, peer: Peer, data: Mapping[str, Any]) -> Any:
    return browser.post(f"/admin/trust/policy/{peer.pk}/", data)


def test_looking_at_a_change_makes_it(trust_officer: Any, peer: Peer) -> None:
    before = terms.of(peer)
    page = post(trust_officer, peer, sent(peer, RULE))
    assert page.status_code == 200 and "What would change" in page.content.decode()
    assert terms.of(Peer.objects.get(pk=peer.pk)) == before
    assert not Proposal.objects.exists()


def test_what_is_proposed_is_another_thing_than_was_shown(trust_officer: Any, peer: Peer, trusted: Trusted) -> None:
    shown = post(trust_officer, peer, sent(peer, RULE, max_path_length="0"))
    assert "openid_relying_party" not in shown.context["summary"]
    answer = post(trust_officer, peer, sent(peer, RULE, max_path_length="0", why="Article 4", propose="yes"))
    proposal = Proposal.objects.get()
    assert answer.status_code == 302 and proposal.kind == payloads.TERMS
    other = Account.objects.create_user("second", kind="officer", is_staff=True)
    granting.grant(account=other, role=Role.TRUST, actor="console", now=5)
    proposing.approve(proposal=proposal, officer=f"account:{other.pk}", now=trusted.now)
    agreed = terms.of(Peer.objects.get(pk=peer.pk))
    assert agreed.metadata_policy == {RULE[0]: {RULE[1]: {RULE[2]: ["ES256"]}}}
    assert (agreed.max_path_length, agreed.allowed_entity_types) == (0, None)
    opened = trust_officer.get(f"/admin/trust/policy/{peer.pk}/").context["rules"]
    assert next(iter(opened)).initial == dict(zip(("entity_type", "parameter", "operator", "text"), RULE, strict=True))


def test_a_change_without_a_reason_is_proposed(trust_officer: Any, peer: Peer) -> None:
    page = post(trust_officer, peer, sent(peer, RULE, propose="yes"))
    assert page.status_code == 200 and page.context["form"].errors
    assert not Proposal.objects.exists()


def test_terms_that_changed_meanwhile_are_written_over(trust_officer: Any, peer: Peer) -> None:
    data = sent(peer, RULE, why="Article 4", propose="yes")
    terms.set_terms(peer, terms=terms.Terms(contract="HK-CN-8"), officer="account:7")
    assert post(trust_officer, peer, data).status_code == 200
    assert not Proposal.objects.exists()


@pytest.mark.parametrize(
    ("rules", "section"),
    [
        ([("oauth_client", "x", "one_of", "a"), ("oauth_client", "x", "add", "a")], "6.1.3.1.4"),
        ([("oauth_client", "x", "subset_of", "a"), ("oauth_client", "x", "add", "b")], "6.1.3.1.5"),
        ([("oauth_client", "x", "value", "null"), ("oauth_client", "x", "default", "b")], "6.1.3.1.1"),
        ([("oauth_client", "x", "essential", "yes")], "6.1.3.1.7"),
        ([("oauth_client", "scope", "add", "1")], "6.1.3.1.8"),
        ([("openid_provider", "issuer", "value", "https://x.example")], "6.1.4.1"),
    ],
    ids=["one_of-add", "subset-add", "null-default", "essential", "scope", "minimum"],
)
def test_rules_that_cannot_stand_together_are_told_late(
    trust_officer: Any, peer: Peer, rules: list[tuple[str, str, str, str]], section: str
) -> None:
    page = post(trust_officer, peer, sent(peer, *rules))
    errors = [str(form.non_field_errors()) for form in page.context["rules"]]
    assert all(f"§{section})" in error for error in errors), errors
    assert "previewed" not in page.context


def test_a_rule_that_stands_twice_or_has_no_value_is_lost(trust_officer: Any, peer: Peer) -> None:
    page = post(trust_officer, peer, sent(peer, RULE, RULE))
    assert "operator" in page.context["rules"][1].errors
    page = post(trust_officer, peer, sent(peer, (*RULE[:3], "")))
    assert "text" in page.context["rules"][0].errors


def test_a_name_that_is_no_domain_is_told_without_its_section(trust_officer: Any, peer: Peer) -> None:
    page = post(trust_officer, peer, sent(peer, permitted="https://x"))
    assert "§6.2.2" in str(page.context["form"].errors["permitted"])


def test_who_would_be_refused_is_missing(trust_officer: Any, peer: Peer, trusted: Trusted) -> None:
    page = post(trust_officer, peer, sent(peer, allowed_entity_types=NO_ISSUER, excluded="shop.localhost"))
    rows = {(row.entity_id, str(row.need)): row for row in page.context["touched"]}
    assert rows[trusted.cn, "issuer of border tokens for our gates"].sign == "✕"
    assert "not of the type" in rows[trusted.cn, "issuer of border tokens for our gates"].after
    assert any("refuses every border token" in line for line in page.context["tokens"])


def test_a_peer_that_is_only_proposed_shows_nothing(trust_officer: Any, trusted: Trusted) -> None:
    mo = Peer.objects.get(entity_id=trusted.mo)
    trusted.peers.mo.hints[:] = ["http://hk.localhost:8002"]
    page = post(trust_officer, mo, sent(mo))
    assert page.context["thought"]
    assert any(row.outcome == "would be accepted" for row in page.context["touched"])


def test_a_checkpoint_or_client_that_is_known_is_not_looked_at(trusted: Trusted, peer: Peer) -> None:
    """Surveyed, on the way to, registered explicitly, or found by a chain: each is known in another table."""
    SurveyedCheckpoint.objects.create(entity_id=f"{trusted.cn}/checkpoints/a", authority=trusted.cn, seen_at=1)
    issued(trusted, f"{trusted.cn}/checkpoints/b")
    facts = {"sector": "x", "profile": "federation", "created_at": 1, "expires_at": trusted.now + 99}
    path = ["https://rp.example", trusted.cn, "http://hk.localhost:8002"]
    Client.objects.create(client_id=path[0], registration="explicit", chain_path=path, **facts)
    found = {(item.subject.entity_id, item.need): item for item in effects.known(peer, now=trusted.now)}
    for place in "ab":
        assert (f"{trusted.cn}/checkpoints/{place}", effects.Need.CHECKPOINT) in found
    assert (trusted.client.entity_id, effects.Need.CLIENT) in found
    assert found[path[0], effects.Need.CLIENT].keeps_until == trusted.now + 99


WITHOUT = {f"no {name}": {"allowed_entity_types": tuple(x for x in PEER_TYPES if x != name)} for name in PEER_TYPES}
CHANGES: Mapping[str, Mapping[str, Any]] = {
    **WITHOUT,
    "alone": {"max_path_length": 0},
    "no shop": {"naming_constraints": {"excluded": ["shop.localhost"]}},
    "elsewhere": {"metadata_policy": {"border_token_issuer": {"jurisdiction": {"value": "MAC"}}}},
    "no lanes": {"metadata_policy": {"oauth_resource": {"border_directions": {"subset_of": ["exit"]}}}},
    "no keys": {"metadata_policy": {"openid_relying_party": {"jwks": {"value": None}}}},
    "not yet": {"valid_from": 1_900_000_000},
    "stricter": {"metadata_policy": {"openid_relying_party": {"contacts": {"essential": True}}}},
}


def test_the_node_does_otherwise_than_was_said(trusted: Trusted, peer: Peer) -> None:
    """As issuer, client and checkpoint, by the functions that take them when somebody comes."""
    checkpoint = checkpoint_of(trusted.peers, trusted.peers.cn)
    destinations.resolve(checkpoint, now=trusted.now)
    done: Mapping[effects.Need, Callable[[], Any]] = {
        effects.Need.ISSUER: lambda: resolution.issuer(trusted.cn, now=trusted.now),
        effects.Need.CLIENT: lambda: registration.find(trusted.client.entity_id, now=trusted.now),
        effects.Need.CHECKPOINT: lambda: destinations.resolve(checkpoint, now=trusted.now),
    }
    for name, change in CHANGES.items():
        after = dataclasses.replace(terms.of(peer), **change)
        said = {item.known.need: item.effect for item in effects.preview(peer, after, now=trusted.now)}
        assert all(effect.before.refused is None for effect in said.values()), said
        assert set(said) == {need for need in effects.Need if need is not effects.Need.ENTITY}
        with transaction.atomic():
            terms.set_terms(peer, terms=after, officer="account:7")
            outcomes = {need: _refuses(act) for need, act in done.items()}
            transaction.set_rollback(True)
        assert outcomes == {need: said[need].refused for need in done}, name


def _refuses(act: Callable[[], Any]) -> bool:
    try:
        act()
    except (Refusal, OAuthError):
        return True
    return False


def issued(trusted: Trusted, checkpoint: str, **facts: Any) -> IssuedToken:
    """A token of ours for a checkpoint of the mainland."""
    world, number = trusted.world, IssuedToken.objects.count()
    token = {
        "jti": f"t{number}",
        "traveller": world.traveller,
        "document": world.document,
        "grant_id": "none",
        "device_jkt": "d",
        "holder_jkt": "h",
        "checkpoint": checkpoint,
        "authority": trusted.cn,
        "direction": "entry",
        "territory": "CHN",
        "form": "jwt",
        "face_model": "m",
        "issued_at": trusted.now - 10,
        "expires_at": trusted.now + 600,
        "status_uri": "s",
        "status_idx": number,
    }
    return IssuedToken.objects.create(**{**token, **facts})


def touched(subject: str, need: effects.Need, before: Any = None, after: Any = None) -> effects.Touched:
    """An effect: a refusal, or the metadata of an issuer's keys."""

    def verdict(outcome: Any) -> Verdict:
        if isinstance(outcome, Refusal):
            return Verdict(None, outcome)
        jwks = {"keys": [{"kid": kid} for kid in outcome or []]}
        chain = SimpleNamespace(metadata={"border_token_issuer": {"jwks": jwks}})
        return Verdict(chain)  # type: ignore[arg-type]

    one = Subject(subject)
    return effects.Touched(effects.Known(need, one), Effect(one, verdict(before), verdict(after)))


def test_tokens_on_the_way_to_a_checkpoint_are_not_counted(trusted: Trusted) -> None:
    """Nor those that have expired or were taken back."""
    place = f"{trusted.cn}/checkpoints/b"
    issued(trusted, place)
    issued(trusted, place, expires_at=trusted.now + 60)
    issued(trusted, place, expires_at=trusted.now)
    issued(trusted, place, revoked_at=1, revoked_for="device")
    item = touched(place, effects.Need.CHECKPOINT, after=Refusal(Reason.POLICY_VIOLATION))
    told = in_field.tokens([item], now=trusted.now)
    assert told[0] == f"This node issues no more border tokens for {place}."
    assert told[1].startswith("2 tokens for it are on phones, the last good until 2027-01-15 16:10")
    assert in_field.tokens([touched(place, effects.Need.CHECKPOINT)], now=trusted.now) == []


def test_what_came_by_a_refused_client_is_not_told(trusted: Trusted) -> None:
    grant = trusted.world.grant()
    issued(trusted, "x", grant_id=str(grant.pk))
    item = touched(grant.client.client_id, effects.Need.CLIENT, after=Refusal(Reason.POLICY_VIOLATION))
    told = in_field.tokens([item], now=trusted.now)
    assert "1 consent to it stands" in told[0] and told[1].startswith("1 border token on a phone came by it")


def test_an_explicit_registration_that_goes_on_is_told_as_ended(trusted: Trusted) -> None:
    one = touched("https://rp.example", effects.Need.CLIENT, after=Refusal(Reason.POLICY_VIOLATION))
    known = dataclasses.replace(one.known, keeps_until=trusted.now + 99)
    assert in_field.tokens([dataclasses.replace(one, known=known)], now=trusted.now) == []
    assert "keeps what it registered with" in policy_view.row(dataclasses.replace(one, known=known)).note


@pytest.mark.parametrize(("role", "look", "change"), [(Role.AUDITOR, 200, 403), (Role.BORDER, 403, 403)])
def test_an_officer_of_another_role_edits_policy(
    trusted: Trusted, peer: Peer, role: Role, look: int, change: int
) -> None:
    browser = officer_with(role)
    assert browser.get("/admin/trust/policy/").status_code == look
    assert browser.get(f"/admin/trust/policy/{peer.pk}/").status_code == change
    assert post(browser, peer, sent(peer, RULE, why="x", propose="yes")).status_code == change
    assert not Proposal.objects.exists()


def test_the_officer_who_decides_does_not_see_what_would_change(trust_officer: Any, peer: Peer) -> None:
    post(trust_officer, peer, sent(peer, allowed_entity_types=NO_ISSUER, why="Article 4", propose="yes"))
    proposal = Proposal.objects.get()
    page = officer_with(Role.AUDITOR).get(f"/admin/trust/policy/proposal/{proposal.pk}/")
    assert any(row.sign == "✕" for row in page.context["touched"])
    listed = trust_officer.get("/admin/trust/policy/")
    assert f"/admin/trust/policy/proposal/{proposal.pk}/" in listed.content.decode()


def test_a_proposal_of_another_kind_is_told_to_trust_officers(trust_officer: Any, peer: Peer) -> None:
    facts = {"proposed_by": "account:7", "proposed_at": 1, "expires_at": 2, "why": "nobody's business"}
    row = Proposal.objects.create(kind="border.rule", subject="x", payload={}, **facts)
    page = trust_officer.get(f"/admin/trust/policy/proposal/{row.pk}/")
    assert page.status_code == 200 and "business" not in page.content.decode()
    assert trust_officer.get("/admin/trust/policy/proposal/999/").status_code == 404


def test_the_keys_that_policy_takes_from_an_issuer_are_not_named(trusted: Trusted) -> None:
    """A policy with a value for the keys leaves an issuer whose tokens no lane takes."""
    item = touched(trusted.cn, effects.Need.ISSUER, before=["k1", "k2"], after=["k2"])
    assert [line for line in in_field.tokens([item], now=trusted.now) if "its key k1" in line]
    gone = touched(trusted.cn, effects.Need.ISSUER, before=["k1"], after=Refusal(Reason.POLICY_VIOLATION))
    assert not [line for line in in_field.tokens([gone], now=trusted.now) if "its key" in line], "all are refused"


def test_what_an_issuer_had_admitted_lately_is_not_counted(trusted: Trusted) -> None:
    for number in range(3):
        trusted.world.gate.entry(trusted.now - 60 * number, jti=f"r{number}", iss=trusted.cn)
    trusted.world.gate.entry(trusted.now, jti="r9", iss="https://other.example")
    recording.record(lane=trusted.world.gate.lane, batch=trusted.world.gate.batch(), now=trusted.now)
    gone = touched(trusted.cn, effects.Need.ISSUER, after=Refusal(Reason.POLICY_VIOLATION))
    told = in_field.tokens([gone], now=trusted.now)
    assert told[0].startswith("1 lane refuses every border token") and "3 such tokens were admitted" in told[1]
