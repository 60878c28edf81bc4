"""Pure: no database, no network, no Django."""

import itertools

import pytest

from idp.federation.discovery import Bounds, Discovery, discover
from idp.protocol.entity_ids import WELL_KNOWN
from idp.protocol.keys import KeySet, generate
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.trust_chain import TrustChain
from tests.conftest import NOW
from tests.simulators.federation import AuthoritySimulator, Federation, loop

LEAF = {"openid_relying_party": {"redirect_uris": ["https://x.example/cb"]}}


def _find(
    federation: Federation, entity: AuthoritySimulator, anchor: AuthoritySimulator, **options: object
) -> Discovery:
    return discover(entity.entity_id, anchors=federation.anchors(anchor), fetch=federation.fetch, now=NOW, **options)


def _line(federation: Federation, length: int) -> list[AuthoritySimulator]:
    """Anchor first: a line in which each recognises the next."""
    line = [federation.authority(f"https://e{place}.example") for place in range(length)]
    for superior, subordinate in itertools.pairwise(line):
        superior.recognise(subordinate)
    return line


def test_the_shortest_of_several_chains_is_taken() -> None:
    federation = Federation(NOW)
    anchor, middle, leaf = _line(federation, 3)
    anchor.recognise(leaf)  # the direct way is named last
    assert leaf.hints == [middle.entity_id, anchor.entity_id]
    chain = _find(federation, leaf, anchor).require()
    assert chain.path == (leaf.entity_id, anchor.entity_id)


def test_an_anchor_is_a_chain_of_itself() -> None:
    federation = Federation(NOW)
    anchor = federation.authority("https://e0.example")
    assert _find(federation, anchor, anchor).require().path == (anchor.entity_id,)


def test_loops_drop_their_own_hint_only() -> None:
    """Negative case 9: mutual recognition of three, a self hint, and a leaf below."""
    federation = Federation(NOW)
    _, cn, mo = loop(federation, "https://hk.example", "https://cn.example", "https://mo.example")
    mo.hints.insert(0, mo.entity_id)
    leaf = federation.authority("https://leaf.example", **LEAF)
    mo.recognise(leaf)
    anchor = federation.authority("https://anchor.example")
    anchor.recognise(cn)
    found = _find(federation, leaf, anchor)
    assert found.require().path == (leaf.entity_id, mo.entity_id, cn.entity_id, anchor.entity_id)
    assert any("loop" in str(attempt) and attempt.path[-1] == mo.entity_id for attempt in found.attempts)


def test_the_anchor_among_many_superiors_is_asked_first_wherever_it_stands() -> None:
    """Seen in the fetches: nobody else is asked when the anchor itself vouches, and no place in the array hides it."""
    federation = Federation(NOW)
    anchor, leaf = _line(federation, 2)
    for place in range(20):
        federation.authority(f"https://a{place}.example").recognise(leaf)
    leaf.hints.append(leaf.hints.pop(0))
    assert _find(federation, leaf, anchor).require().path == (leaf.entity_id, anchor.entity_id)
    assert len(federation.fetched) == 3


def test_a_dense_graph_costs_its_statements_once_and_its_paths_within_a_bound() -> None:
    """Seven entities that all vouch for each other have 326 simple paths from each; none leads to the anchor."""
    federation = Federation(NOW)
    members = loop(federation, *(f"https://m{place}.example" for place in range(7)))
    found = _find(federation, members[0], federation.authority("https://anchor.example"), bounds=Bounds(fetches=500))
    assert found.chain is None
    assert found.fetches == len(set(federation.fetched)) <= 7 + 7 * 6
    assert any("bound of ways" in str(attempt) for attempt in found.attempts)


def test_the_tree_shows_every_branch_with_its_end() -> None:
    federation = Federation(NOW)
    anchor, middle, leaf = _line(federation, 3)
    federation.authority("https://a.example").recognise(leaf)
    federation.down.add("a.example")
    lines = _find(federation, leaf, anchor).tree().splitlines()
    assert lines[0] == leaf.entity_id
    assert "  https://a.example  not followed: down" in lines
    assert f"  {middle.entity_id}" in lines
    assert lines[lines.index(f"  {middle.entity_id}") + 1].startswith(f"    {anchor.entity_id}  the chain, good until")


def test_the_tree_of_an_entity_that_is_not_there_says_so() -> None:
    federation = Federation(NOW)
    anchor = federation.authority("https://anchor.example")
    found = discover("https://no.example", anchors=federation.anchors(anchor), fetch=federation.fetch, now=NOW)
    assert found.tree() == "https://no.example  not followed: not found"


def test_a_graph_of_nothing_but_loops_ends() -> None:
    federation = Federation(NOW)
    members = loop(federation, *(f"https://m{place}.example" for place in range(6)))
    stranger = federation.authority("https://anchor.example")
    found = _find(federation, members[0], stranger)
    assert found.chain is None
    assert found.fetches <= Bounds().fetches


def test_a_thousand_hints_cost_ten_fetches() -> None:
    """Negative case 10: 1,000 authority hints."""
    federation = Federation(NOW)
    anchor, leaf = _line(federation, 2)
    leaf.hints = [f"https://h{place}.example" for place in range(1000)]
    found = _find(federation, leaf, anchor)
    assert found.chain is None
    assert found.fetches == 1 + Bounds().hints
    assert "only 10 of 1000" in str(found.attempts[-1])


@pytest.mark.parametrize(("superiors", "found"), [(8, True), (9, False)])
def test_a_chain_may_have_eight_superiors_and_no_more(superiors: int, found: bool) -> None:
    """Negative case 10: depth. Invalid solely because of the ninth superior."""
    federation = Federation(NOW)
    line = _line(federation, superiors + 1)
    assert (_find(federation, line[-1], line[0]).chain is not None) is found


def test_a_depth_of_fifty_ends_at_the_bound() -> None:
    federation = Federation(NOW)
    line = _line(federation, 51)
    found = _find(federation, line[-1], line[0])
    assert found.chain is None
    assert found.fetches <= 2 * Bounds().depth + 2


def test_the_bound_of_fetches_holds_over_a_wide_graph() -> None:
    """Negative case 10: ten superiors with ten superiors each."""
    federation = Federation(NOW)
    leaf, anchor = federation.authority("https://leaf.example"), federation.authority("https://anchor.example")
    for first in range(10):
        superior = federation.authority(f"https://s{first}.example")
        superior.recognise(leaf)
        for second in range(10):
            federation.authority(f"https://s{first}-{second}.example").recognise(superior)
    found = _find(federation, leaf, anchor)
    assert found.fetches == Bounds().fetches == len(federation.fetched)
    assert any("bound of fetches" in str(attempt) for attempt in found.attempts)


def test_a_configuration_of_megabytes_is_refused() -> None:
    """Negative case 10: invalid solely because of its size."""
    federation = Federation(NOW)
    anchor, leaf = _line(federation, 2)
    federation.pages[leaf.entity_id + WELL_KNOWN] = "x" * (Bounds().max_bytes + 1)
    with pytest.raises(Refusal) as caught:
        _find(federation, leaf, anchor).require()
    assert caught.value.reason is Reason.MALFORMED


def test_a_broken_way_does_not_hide_the_good_one_and_its_reason_is_kept() -> None:
    federation = Federation(NOW)
    anchor, middle = _line(federation, 2)
    leaf = federation.authority("https://leaf.example")
    middle.recognise(leaf)
    bad = federation.authority("https://bad.example")
    bad.recognise(leaf)
    bad.key, forged = generate(), bad.keys  # what it signs now does not fit the keys that it shows
    bad.configuration_claims["jwks"] = forged.jwks()
    found = _find(federation, leaf, anchor)
    assert found.require().path == (leaf.entity_id, middle.entity_id, anchor.entity_id)
    assert [attempt.path for attempt in found.attempts] == [(leaf.entity_id, bad.entity_id)]
    assert isinstance(found.attempts[0].error, Refusal)
    assert found.attempts[0].error.reason is Reason.BAD_SIGNATURE


def test_an_anchors_keys_are_never_taken_from_the_wire() -> None:
    """Invalid solely because the anchor's host shows other keys than those pinned (negative case 8)."""
    federation = Federation(NOW)
    anchor, leaf = _line(federation, 2)
    pins = {anchor.entity_id: KeySet([generate().public])}
    found = discover(leaf.entity_id, anchors=pins, fetch=federation.fetch, now=NOW)
    with pytest.raises(Refusal) as caught:
        found.require()
    assert caught.value.reason is Reason.BAD_SIGNATURE


def test_immediate_asks_no_one_but_the_anchor() -> None:
    federation = Federation(NOW)
    anchor, middle, leaf = _line(federation, 3)
    found = _find(federation, leaf, anchor, immediate=True)
    assert found.chain is None
    assert not any(middle.entity_id in url for url in federation.fetched)


def test_a_judge_may_refuse_the_shortest_and_the_next_is_taken() -> None:
    federation = Federation(NOW)
    anchor, middle, leaf = _line(federation, 3)
    anchor.recognise(leaf)

    def judge(chain: TrustChain) -> None:
        if len(chain.path) == 2:
            raise Refusal(Reason.UNTRUSTED_ISSUER, "not this one")

    found = _find(federation, leaf, anchor, judge=judge)
    assert found.require().path == (leaf.entity_id, middle.entity_id, anchor.entity_id)


def test_an_outage_on_the_way_is_unavailable_and_no_verdict() -> None:
    federation = Federation(NOW)
    anchor, leaf = _line(federation, 2)
    federation.down.add("e0.example")
    with pytest.raises(Unavailable):
        _find(federation, leaf, anchor).require()


@pytest.mark.parametrize("endpoint", [None, 7, "https://e0.example/f#x"])
def test_a_superior_without_a_sound_fetch_endpoint_is_a_dead_end(endpoint: object) -> None:
    """Invalid solely because of the endpoint."""
    federation = Federation(NOW)
    anchor, leaf = _line(federation, 2)
    anchor.metadata["federation_entity"] = {"federation_fetch_endpoint": endpoint} if endpoint is not None else {}
    found = _find(federation, leaf, anchor)
    assert found.chain is None
    assert [str(attempt.error) for attempt in found.attempts] == ["malformed: a superior without a fetch endpoint"]
    assert len(federation.fetched) == 2, "the two configurations, and nobody at such an endpoint"


def test_a_statement_about_another_subject_is_a_dead_end() -> None:
    """Invalid solely because the superior answers with a statement about somebody else (negative case 7)."""
    federation = Federation(NOW)
    anchor, leaf = _line(federation, 2)
    other = federation.authority("https://other.example")
    anchor.recognise(other)
    url = f"{anchor.fetch_endpoint}?sub=https%3A%2F%2Fe1.example"
    federation.pages[url] = anchor.statement(other)
    with pytest.raises(Refusal) as caught:
        _find(federation, leaf, anchor).require()
    assert caught.value.reason is Reason.UNTRUSTED_ISSUER


def test_the_subject_is_quoted_whole_into_the_fetch_url() -> None:
    federation = Federation(NOW)
    anchor = federation.authority("https://anchor.example")
    leaf = federation.authority("https://leaf.example/a&b=c")
    anchor.recognise(leaf)
    assert _find(federation, leaf, anchor).chain is not None
    assert f"{anchor.fetch_endpoint}?sub=https%3A%2F%2Fleaf.example%2Fa%26b%3Dc" in federation.fetched
