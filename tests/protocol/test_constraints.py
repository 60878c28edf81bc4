"""Every way to stand deeper, elsewhere or as something else than a superior allows (row 18)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.constraints import Constraints, keep_allowed_types, parse_constraints
from idp.protocol.refusals import Reason, Refusal

LEAF, INNER, OUTER = "https://leaf.example.com", "https://i1.example.com", "https://i2.example.com"


def permits(constraints: dict[str, Any], *below: str) -> bool:
    try:
        parse_constraints(constraints).check(below=below)
    except Refusal as refusal:
        assert refusal.reason is Reason.POLICY_VIOLATION
        return False
    return True


def naming(host: str, **names: list[str]) -> bool:
    return permits({"naming_constraints": names}, f"https://{host}")


@pytest.mark.parametrize(("length", "permitted"), [(0, 0), (1, 1), (2, 2), (7, 2)])
def test_path_length_counts_the_intermediates_between_setter_and_subject(length: int, permitted: int) -> None:
    """An off-by-one would let a recognised peer vouch for a whole tree of its own (Federation §6.2.1)."""
    paths = ([LEAF], [LEAF, INNER], [LEAF, INNER, OUTER])
    for intermediates, below in enumerate(paths):
        assert permits({"max_path_length": length}, *below) is (intermediates <= permitted)


@pytest.mark.parametrize(
    ("host", "name", "inside"),
    [
        ("example.com", "example.com", True),
        ("EXAMPLE.com", "example.COM", True),
        ("host.example.com", "example.com", False),
        ("host.example.com", ".example.com", True),
        ("my.host.example.com", ".example.com", True),
        ("example.com", ".example.com", False),  # the apex
        ("evilexample.com", ".example.com", False),
        ("evilexample.com", "example.com", False),
        ("example.com.evil.org", ".example.com", False),
        ("host.example.com:8443", ".example.com", True),
        ("host.example.com/example.org", ".example.org", False),
    ],
)
def test_names_match_as_domains_do(host: str, name: str, inside: bool) -> None:
    """RFC 5280 §4.2.1.10 on the host alone: whole labels, the apex is not under its own dot."""
    assert naming(host, permitted=[name]) is inside
    assert naming(host, excluded=[name]) is not inside


def test_excluded_wins_over_permitted() -> None:
    """invalid solely because the host is excluded too (Federation §6.2.2)."""
    assert naming("a.example.com", permitted=[".example.com"], excluded=["b.example.com"])
    assert not naming("b.example.com", permitted=[".example.com"], excluded=["b.example.com"])


def test_intermediates_must_be_within_the_names_too() -> None:
    """invalid solely because an intermediate stands outside; the leaf is inside."""
    names = {"naming_constraints": {"permitted": [".example.com"]}}
    assert permits(names, LEAF, INNER)
    assert not permits(names, LEAF, "https://i1.example.org")


def test_empty_list_of_permitted_names_permits_nothing() -> None:
    """An authority that permits no name did not mean every name."""
    assert not naming("example.com", permitted=[])
    assert naming("example.com", excluded=[])


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f000001", "0x7f.1"])
def test_address_in_place_of_a_name_fails_any_naming_constraint(host: str) -> None:
    """invalid solely because the host is no domain name (RFC 5280 §4.2.1.10)."""
    assert not naming(host, excluded=[".example.com"])
    assert permits({}, f"https://{host}")


def test_unknown_constraint_is_ignored() -> None:
    """Federation §6.2: constraints that are not understood MUST be ignored."""
    assert parse_constraints({"colour": "red"}) == Constraints()


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {"max_path_length": -1},
        {"max_path_length": True},
        {"max_path_length": "1"},
        {"max_path_length": None},
        {"max_path_length": 1.0},
        {"naming_constraints": []},
        {"naming_constraints": None},
        {"naming_constraints": {"permitted": "example.com"}},
        {"naming_constraints": {"permitted": None}},
        {"naming_constraints": {"permitted": ["https://example.com"]}},
        {"naming_constraints": {"permitted": ["*.example.com"]}},
        {"naming_constraints": {"excluded": ["."]}},
        {"naming_constraints": {"excluded": [""]}},
        {"naming_constraints": {"excluded": [7]}},
        {"allowed_entity_types": None},
        {"allowed_entity_types": "openid_provider"},
        {"allowed_entity_types": [""]},
        {"allowed_entity_types": ["federation_entity"]},
    ],
)
def test_constraint_of_the_wrong_form_is_refused(value: object) -> None:
    """invalid solely because a constraint could be read in two ways, or in none."""
    with pytest.raises(Refusal) as caught:
        parse_constraints(value)
    assert caught.value.reason is Reason.MALFORMED


def test_types_that_any_superior_leaves_out_are_removed_and_the_federation_entity_never_is() -> None:
    """A type kept against one superior's word would be metadata that nobody vouches for (Federation §6.2.3)."""
    metadata: dict[str, Any] = {"federation_entity": {}, "openid_provider": {"a": 1}, "oauth_client": {}}
    provider = parse_constraints({"allowed_entity_types": ["openid_provider", "x"]})
    client = parse_constraints({"allowed_entity_types": ["oauth_client"]})
    assert keep_allowed_types(metadata, []) == metadata
    assert keep_allowed_types(metadata, [Constraints(), provider]).keys() == {"federation_entity", "openid_provider"}
    assert keep_allowed_types(metadata, [provider, client]).keys() == {"federation_entity"}
    assert keep_allowed_types(metadata, [parse_constraints({"allowed_entity_types": []})]) == {"federation_entity": {}}
    assert len(metadata) == 3


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["max_path_length", "naming_constraints", "permitted", "excluded", "allowed_entity_types"]
                ),
                inner,
            )
        ),
        max_leaves=10,
    )
)
def test_no_constraints_at_all_do_more_than_refuse(value: Any) -> None:
    """An exception other than a refusal would be a 500 to whoever sent the statement."""
    try:
        parse_constraints(value).check(below=[LEAF, INNER])
    except Refusal as refusal:
        assert refusal.reason in (Reason.MALFORMED, Reason.POLICY_VIOLATION)
