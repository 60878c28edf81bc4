"""Whatever stands in a proposal, it is read or it is unacceptable."""

import functools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.federation import terms
from idp.federation.recognition import payloads
from idp.federation.terms import Terms, UnableToAgree
from idp.proposals.executors import Unacceptable
from idp.protocol import keys

KEY = keys.generate()
GOOD: dict[str, Any] = {
    "entity_id": "https://idp.cn.example",
    "since": 7,
    "jwks": keys.KeySet([KEY.public]).jwks(),
    "name": {"en": "CN"},
    "accept": True,
    "terms": payloads.written(Terms()),
    "before": "0" * 64,
    "valid_until": 8,
    "legal_basis": "a treaty",
    "contract": "",
    "suspended_at": 9,
    "keys": [KEY.public.thumbprint],
}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=8)
ANYTHING = st.recursive(SCALARS, lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=8), part))


def good(kind: str) -> dict[str, Any]:
    return {name: GOOD[name] for name in payloads.MEMBERS[kind]}


@pytest.mark.parametrize("kind", payloads.MEMBERS)
def test_what_is_written_as_it_should_be_is_refused(kind: str) -> None:
    assert payloads.read(kind, json.loads(json.dumps(good(kind)))).keys() == payloads.MEMBERS[kind].keys()


@given(kind=st.sampled_from(sorted(payloads.MEMBERS)), data=st.data())
def test_a_member_of_any_kind_raises_something_else(kind: str, data: st.DataObject) -> None:
    payload = good(kind)
    name = data.draw(st.sampled_from(sorted(payload)))
    if name == "terms":
        part = data.draw(st.sampled_from(terms.FIELDS))
        payload["terms"] = {**payload["terms"], part: data.draw(ANYTHING)}
    else:
        payload[name] = data.draw(ANYTHING)
    try:
        found = payloads.read(kind, payload)
        if "terms" in found:
            terms.check(found["terms"], entity_id=found["entity_id"])
    except (Unacceptable, UnableToAgree):
        return
    text = json.dumps(payload, allow_nan=False)  # what is accepted can be stored in both databases
    assert "\\u0000" not in text
    text.encode()


@pytest.mark.parametrize(
    "value",
    [float("nan"), "\0", "\ud800", 2**53, functools.reduce(lambda deep, _: [deep], range(40), 1)],
    ids=["nan", "null", "half", "large", "deep"],
)
def test_what_one_database_refuses_to_store_is_proposed(value: Any) -> None:
    policy = {"openid_provider": {"issuer": {"value": value}}}
    payload = {**good(payloads.TERMS), "terms": {**GOOD["terms"], "metadata_policy": policy}}
    with pytest.raises(Unacceptable):
        payloads.read(payloads.TERMS, payload)


@pytest.mark.parametrize("kind", payloads.MEMBERS)
@pytest.mark.parametrize("change", ["more", "less", "list"])
def test_other_members_are_passed_over(kind: str, change: str) -> None:
    payload = good(kind)
    wrong: Any = {"more": {**payload, "x": 1}, "less": dict(list(payload.items())[1:]), "list": [payload]}[change]
    with pytest.raises(Unacceptable):
        payloads.read(kind, wrong)
