"""Every way for a subordinate to loosen what its superior fixed (rows 14 to 17), and the 1,000 published vectors."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.metadata_policy import (
    OPERATORS,
    MetadataRefused,
    PolicyRefused,
    apply,
    apply_types,
    combine,
    combine_types,
)
from idp.protocol.refusals import Reason

ROOT = Path(__file__).parents[2]
VECTORS = Path(os.environ.get("CAUSEWAY_VECTORS", ROOT / "../shared/vectors")) / "metadata-policy.json"


def unordered(value: Any) -> Any:
    """Arrays as sorted texts: the order after a merge is not defined (Federation §6.1.3)."""
    if isinstance(value, dict):
        return {name: unordered(item) for name, item in value.items()}
    return sorted(json.dumps(item, sort_keys=True) for item in value) if isinstance(value, list) else value


def outcome(vector: dict[str, Any]) -> dict[str, Any]:
    """What we make of a vector, in the vector's own words."""
    try:
        merged = combine([vector["TA"], vector["INT"]])
    except PolicyRefused:
        return {"error": "invalid_policy"}
    try:
        return {"merged": unordered(merged), "resolved": unordered(apply(merged, vector["metadata"]))}
    except MetadataRefused:
        return {"merged": unordered(merged), "error": "invalid_metadata"}


def test_published_vectors_all_come_out_as_they_say() -> None:
    """An operator that merges or applies otherwise than everybody else's resolves other metadata than everybody."""
    if not VECTORS.exists() and os.environ.get("CI") != "true":
        pytest.skip(f"the published vectors are not at {VECTORS}: set CAUSEWAY_VECTORS")
    vectors = json.loads(VECTORS.read_text())
    wrong = []
    for vector in vectors:
        expected = {name: unordered(vector[name]) for name in ("merged", "resolved", "error") if name in vector}
        if outcome(vector) != expected:
            wrong.append(vector["n"])
    assert len(vectors) == 1000
    assert wrong == []


# --- reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "policy",
    [
        [],
        {"p": []},
        {"p": None},
        {"p": {"essential": "true"}},
        {"p": {"essential": 1}},
        {"p": {"default": None}},
        {"p": {"default": {}}},
        {"p": {"value": {"a": 1}}},
        {"p": {"add": "a"}},
        {"p": {"add": [None]}},
        {"p": {"one_of": "a"}},
        {"p": {"one_of": None}},
        {"p": {"subset_of": [True]}},
        {"p": {"superset_of": [["a"]]}},
        {"scope": {"subset_of": ["openid email"]}},
        {"scope": {"value": 7}},
        {"scope": {"add": [7]}},
    ],
)
def test_operator_with_a_value_of_the_wrong_kind_is_refused(policy: Any) -> None:
    """invalid solely because an operator is configured with a kind of value that it does not take."""
    with pytest.raises(PolicyRefused) as caught:
        combine([policy])
    assert caught.value.reason is Reason.POLICY_VIOLATION


@pytest.mark.parametrize("critical", ["regexp", "Value", "value", ""])
def test_critical_operator_that_is_not_understood_ends_the_chain(critical: str) -> None:
    """invalid solely because metadata_policy_crit names it, used or not (row 14); a standard name is an error too."""
    for merge in (combine, combine_types):
        with pytest.raises(PolicyRefused):
            merge([{}], critical=[critical])


def test_unknown_operator_that_is_not_critical_is_left_out() -> None:
    """Federation §6.1.3.2."""
    assert combine([{"p": {"regexp": "x", "default": "a"}}]) == {"p": {"default": "a"}}


# --- combining -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "operators",
    [
        {"value": None, "essential": True},
        {"value": None, "default": "a"},
        {"value": None, "one_of": ["a"]},
        {"value": None, "add": []},
        {"value": None, "subset_of": ["a"]},
        {"value": None, "superset_of": []},
        {"value": "a", "one_of": ["b"]},
        {"value": ["a"], "one_of": ["a"]},
        {"value": "a", "subset_of": ["a"]},
        {"value": ["a"], "add": ["b"]},
        {"value": ["a", "b"], "subset_of": ["a"]},
        {"value": ["a"], "superset_of": ["a", "b"]},
        {"one_of": ["a"], "add": ["a"]},
        {"one_of": ["a"], "subset_of": ["a"]},
        {"one_of": ["a"], "superset_of": ["a"]},
        {"add": ["b"], "subset_of": ["a"]},
        {"subset_of": ["a"], "superset_of": ["b"]},
        {"value": 1, "one_of": ["1"]},
    ],
)
def test_operators_that_contradict_each_other_are_refused_wherever_they_come_from(operators: dict[str, Any]) -> None:
    """invalid solely because two operators cannot stand together (row 16), in one policy or in two."""
    first, *rest = operators.items()
    one, other = {"p": dict([first])}, {"p": dict(rest)}
    for policies in ([{"p": operators}], [one, other], [other, one]):
        with pytest.raises(PolicyRefused):
            combine(policies)


@pytest.mark.parametrize(
    ("superior", "subordinate"),
    [
        ({"value": "a"}, {"value": "b"}),
        ({"value": 1}, {"value": True}),
        ({"value": ["a"]}, {"value": ["a", "b"]}),
        ({"value": None}, {"value": "a"}),
        ({"default": "a"}, {"default": "b"}),
        ({"one_of": ["a"]}, {"one_of": ["b"]}),
        ({"subset_of": ["a"]}, {"add": ["b"]}),
        ({"subset_of": ["a"]}, {"value": ["b"]}),
        ({"subset_of": ["a", "b"], "superset_of": ["a"]}, {"subset_of": ["b"]}),
        ({"essential": True}, {"value": None}),
    ],
)
def test_subordinate_that_contradicts_its_superior_is_refused(
    superior: dict[str, Any], subordinate: dict[str, Any]
) -> None:
    """invalid solely because the subordinate wants something else than its superior (rows 15, 16)."""
    with pytest.raises(PolicyRefused):
        combine([{"p": superior}, {"p": subordinate}])


@pytest.mark.parametrize(
    ("superior", "subordinate", "merged"),
    [
        ({"subset_of": ["a", "b"]}, {"subset_of": ["b", "c"]}, {"subset_of": ["b"]}),
        ({"subset_of": ["a"]}, {"subset_of": ["b"]}, {"subset_of": []}),
        ({"superset_of": ["a"]}, {"superset_of": ["b"]}, {"superset_of": ["a", "b"]}),
        ({"one_of": ["a", "b"]}, {"one_of": ["b", "c"]}, {"one_of": ["b"]}),
        ({"add": ["a"]}, {"add": ["b", "a"]}, {"add": ["a", "b"]}),
        ({"essential": True}, {"essential": False}, {"essential": True}),
        ({"value": "a"}, {"default": "b"}, {"value": "a", "default": "b"}),
        ({"value": ["a", "b"]}, {"value": ["b", "a"]}, {"value": ["a", "b"]}),
        ({"value": 1}, {"value": 1.0}, {"value": 1}),
        ({"one_of": [{"x": 1, "y": 2}]}, {"one_of": [{"y": 2, "x": 1}]}, {"one_of": [{"x": 1, "y": 2}]}),
        ({"value": None}, {"essential": False}, {"value": None, "essential": False}),
    ],
)
def test_two_policies_merge_as_the_table_says(
    superior: dict[str, Any], subordinate: dict[str, Any], merged: dict[str, Any]
) -> None:
    """Peers have been seen to intersect superset_of and to refuse value with another default."""
    assert combine([{"p": superior}, {"p": subordinate}]) == {"p": merged}


def test_types_and_parameters_are_merged_apart() -> None:
    """A policy for one type or parameter that reached another would be somebody else's."""
    combined = combine_types([{"a": {"p": {"default": 1}}}, {"a": {"q": {"default": 2}}, "b": {"p": {"default": 3}}}])
    assert combined == {"a": {"p": {"default": 1}, "q": {"default": 2}}, "b": {"p": {"default": 3}}}
    assert apply_types(combined, {"a": {}, "c": {}}) == {"a": {"p": 1, "q": 2}, "c": {}}
    with pytest.raises(PolicyRefused):
        combine_types([[]])  # type: ignore[list-item]


# --- applying ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operators", "before", "after"),
    [
        ({"value": None}, {"p": "a"}, {}),
        ({"value": "b", "default": "a"}, {}, {"p": "b"}),
        ({"add": ["a"]}, {}, {"p": ["a"]}),
        ({"add": ["a", "b"]}, {"p": ["b", "c"]}, {"p": ["b", "c", "a"]}),
        ({"add": ["a"], "default": ["b"]}, {}, {"p": ["a"]}),
        ({"subset_of": ["a", "b", "c"], "essential": True}, {"p": ["a", "e"]}, {"p": ["a"]}),
        ({"subset_of": ["a", "b", "c"], "essential": True}, {"p": ["d", "e"]}, {"p": []}),
        ({"subset_of": ["a"], "essential": False}, {}, {}),
        ({"superset_of": ["a"]}, {}, {}),
        ({"default": False}, {"p": False}, {"p": False}),
        ({"default": True}, {"p": False}, {"p": False}),
        ({"regexp": "x"}, {"p": "a"}, {"p": "a"}),
    ],
)
def test_operators_apply_in_their_order(
    operators: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Federation §6.1.3.1 and its table of outputs: an empty intersection stays, an absent parameter stays absent."""
    assert apply(combine([{"p": operators}]), {**before, "other": 1}) == {**after, "other": 1}


@pytest.mark.parametrize(
    ("operators", "metadata"),
    [
        ({"essential": True}, {}),
        ({"essential": True, "subset_of": ["a"]}, {}),
        ({"one_of": ["a"]}, {"p": "b"}),
        ({"one_of": ["a"]}, {"p": ["a"]}),
        ({"one_of": [1]}, {"p": True}),
        ({"one_of": ["a"], "default": "b"}, {}),
        ({"superset_of": ["a"]}, {"p": ["b"]}),
        ({"superset_of": ["a"]}, {"p": "a"}),
        ({"subset_of": ["a"]}, {"p": "a"}),
        ({"subset_of": ["a"]}, {"p": [None]}),
        ({"add": ["a"]}, {"p": "a"}),
        ({"default": "a"}, {"p": None}),
        ({"superset_of": ["b"], "default": ["a"]}, {}),
    ],
)
def test_metadata_that_breaks_the_policy_is_refused(operators: dict[str, Any], metadata: dict[str, Any]) -> None:
    """invalid solely because the one parameter is not what the policy demands."""
    with pytest.raises(MetadataRefused):
        apply(combine([{"p": operators}]), metadata)


def test_scope_is_an_array_for_the_policy_and_a_string_on_the_wire() -> None:
    """Federation §6.1.3.1: scope values are narrowed word by word."""
    assert apply(combine([{"scope": {"subset_of": ["openid", "email"]}}]), {"scope": "openid phone"}) == {
        "scope": "openid"
    }
    assert apply(combine([{"scope": {"default": "openid email"}}]), {}) == {"scope": "openid email"}
    assert apply(combine([{"scope": {"value": ["openid"]}}, {"scope": {"value": "openid"}}]), {}) == {"scope": "openid"}
    with pytest.raises(MetadataRefused):
        apply(combine([{"scope": {"superset_of": ["openid"]}}]), {"scope": "openid2 email"})
    with pytest.raises(MetadataRefused):
        apply(combine([{"scope": {"subset_of": ["openid"]}}]), {"scope": ["openid"]})


def test_number_beyond_every_double_is_compared_and_not_choked_on() -> None:
    """JSON's 1e999 is read as infinity; writing it back as JSON would raise."""
    huge = float("inf")
    assert combine([{"p": {"value": huge}}, {"p": {"value": huge}}]) == {"p": {"value": huge}}


def test_nothing_that_was_handed_in_is_changed() -> None:
    """The policy is shared by every chain below the statement."""
    policy, metadata = {"p": {"add": ["a"]}}, {"p": ["b"]}
    apply(combine([policy, {"p": {"add": ["c"]}}]), metadata)
    assert (policy, metadata) == ({"p": {"add": ["a"]}}, {"p": ["b"]})


# --- never wider -----------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(["a", "b", "c"])
ARRAYS = st.lists(WORDS, unique=True, max_size=3)
VALUES = WORDS | ARRAYS | st.sampled_from([1, True, False])
CONFIGURED = {
    "value": VALUES | st.none(),
    "default": VALUES,
    "essential": st.booleans(),
    **dict.fromkeys(("add", "one_of", "subset_of", "superset_of"), ARRAYS),
}
SCOPED = {name: st.booleans() if name == "essential" else ARRAYS for name in OPERATORS}


def policies(parameter: str, configured: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Policies of up to two operators: with more, almost all contradict each other and nothing would be tried."""
    names = st.lists(st.sampled_from(OPERATORS), unique=True, max_size=2)
    chosen = names.flatmap(lambda some: st.fixed_dictionaries({name: configured[name] for name in some}))
    return chosen.map(lambda operators: {parameter: operators})


POLICIES, SCOPES = policies("p", CONFIGURED), policies("scope", SCOPED)
CHAINS = st.tuples(st.lists(POLICIES, min_size=1, max_size=3), st.fixed_dictionaries({}, optional={"p": VALUES}))
SCOPE_CHAINS = st.tuples(
    st.lists(SCOPES, min_size=1, max_size=3), st.fixed_dictionaries({}, optional={"scope": ARRAYS.map(" ".join)})
)


@given(CHAINS | SCOPE_CHAINS)
def test_no_subordinate_widens_what_any_superior_allows(case: Any) -> None:
    """Negative case 15: what the combined policy lets through, each single one would let through unchanged (§6.1.1)."""
    superiors, metadata = case
    try:
        resolved = apply(combine(superiors), metadata)
    except (PolicyRefused, MetadataRefused):
        return
    for policy in superiors:
        assert unordered(apply(combine([policy]), resolved)) == unordered(resolved)


@given(POLICIES, POLICIES, POLICIES)
def test_merging_step_by_step_is_merging_at_once(first: Any, second: Any, third: Any) -> None:
    """A resolver that starts from an already merged policy must not come to another result."""
    try:
        at_once = combine([first, second, third])
    except PolicyRefused:
        with pytest.raises(PolicyRefused):
            combine([combine([first, second]), third])
    else:
        assert combine([combine([first, second]), third]) == at_once


MEMBERS = st.sampled_from(["p", "scope", *OPERATORS])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(MEMBERS, inner),
    max_leaves=12,
)


@given(ANYTHING)
def test_no_policy_at_all_does_more_than_refuse(policy: Any) -> None:
    """An exception other than a refusal would be a 500 to whoever made us read it."""
    for merge in (combine, combine_types):
        with contextlib.suppress(PolicyRefused):
            merge([policy])
