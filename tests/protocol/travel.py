"""Hypothesis strategies for travel rules, travellers and crossings: any that can be parsed."""

from datetime import date
from typing import Any

from hypothesis import strategies as st

from idp.protocol.travel_rules import Endorsement, TravelFacts

PLACES = ["CHN", "HKG", "MAC"]
DOCUMENTS = ["eep", "hkid", "hrp", "bir"]
KINDS = ["G", "T", "D"]
PREFIXES = ["C", "H", "HA", "M"]
CHECKPOINTS = ["", "https://hk.example/checkpoints/lo-wu", "https://mo.example/checkpoints/qingmao"]

days = st.dates(date(2024, 1, 1), date(2024, 3, 31)) | st.dates()
legs = st.permutations(PLACES).map(lambda places: list(places[:2]))
counts = st.integers(0, 400)


def _some(values: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, unique=True).map(sorted)


_SPAN = st.tuples(days, st.none() | days).map(lambda span: span if span[1] is None else tuple(sorted(span)))
_WHERE = {
    "legs": st.lists(legs, min_size=1, max_size=3).map(lambda found: sorted(map(list, {tuple(leg) for leg in found}))),
    "directions": _some(["exit", "entry"]),
    "authorities": _some(PLACES),
    "checkpoints": _some(["lo-wu", *CHECKPOINTS[1:]]),
    "not_checkpoints": _some(["qingmao", *CHECKPOINTS[1:]]),
}
_NUMBER = {"number_prefix": _some(PREFIXES), "not_number_prefix": _some(PREFIXES), "issuers": _some(PLACES)}
_WHO = {
    **_NUMBER,
    "nationalities": _some(["CHN", "UTO"]),
    "not_nationalities": _some(["CHN", "UTO"]),
    "residence": _some(["permanent", "temporary"]),
    "age_from": st.integers(0, 20),
    "age_below": st.integers(21, 80),
}
_UNDER = {
    "endorsements": _some(KINDS),
    "destinations": _some(PLACES),
    "entries": st.sampled_from(["limited", "unlimited"]),
    "weekly": st.booleans(),
    "days_from": st.integers(0, 90),
    "days_to": st.integers(90, 400),
}
_ADVICE = {"advice": st.just(True)}
_KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "document": (
        {"document": st.sampled_from(DOCUMENTS), "legs": _WHERE["legs"]},
        {**_WHERE, **_WHO, **_ADVICE, "endorsement": st.just(True), "endorsements": _some(KINDS), "stay_days": counts},
    ),
    "home": ({"document": st.sampled_from(DOCUMENTS), "legs": _WHERE["legs"], "home": st.just(True)}, _NUMBER),
    "endorsement": (
        {"endorsements": _some(KINDS)},
        {
            **_WHERE,
            **_UNDER,
            **_ADVICE,
            "places": _some(["4403", "4404"]),
            "issued_from": st.dates(max_value=date(2024, 2, 1)).map(date.isoformat),
            "issued_until": st.dates(min_value=date(2024, 2, 2)).map(date.isoformat),
            "stay_days": counts,
            "first_entry_days": counts,
        },
    ),
    "guardian": ({"age": st.integers(0, 18)}, {**_WHERE, **_WHO, **_ADVICE, "documents": _some(DOCUMENTS)}),
    "note": ({}, {**_WHERE, **_WHO, **_UNDER, "documents": _some(DOCUMENTS), "entries_over": st.integers(0, 3)}),
}


@st.composite
def rule(draw: Any, kind: str, name: str) -> dict[str, Any]:
    """One rule of ``kind`` as JSON, in its canonical form but for the order of its members."""
    needed, optional = _KINDS[kind]
    first, last = draw(_SPAN)
    optional = {member: value for member, value in optional.items() if member not in needed}
    members = draw(st.fixed_dictionaries(needed, optional=optional))
    texts = draw(st.just({}) | st.just({"text": {"en": "Ask for the ticket.", "pt": "Peça o bilhete."}}))
    until = None if last in (None, date.max) else last.isoformat()
    said = {"source": "drawn", "from": first.isoformat(), "until": until, **texts}
    return {"id": name, "kind": "document" if kind == "home" else kind, **said, **members}


rule_lists = st.lists(st.sampled_from(sorted(_KINDS)), max_size=12).flatmap(
    lambda kinds: st.tuples(*(rule(kind, f"{kind}-{number}") for number, kind in enumerate(kinds))).map(list)
)
endorsements = st.builds(
    Endorsement,
    kind=st.sampled_from([*KINDS, "Z"]),
    destination=st.sampled_from(PLACES),
    valid_from=days,
    valid_to=days,
    entries_left=st.none() | st.integers(0, 3),
    stay_days=st.none() | counts,
    weekly=st.booleans(),
    entered_on=st.none() | days,
    first_entered_on=st.none() | days,
    place=st.none() | st.sampled_from(["440300", "440400", "110000"]),
)
travellers = st.builds(
    TravelFacts,
    document_type=st.sampled_from([*DOCUMENTS, "passport"]),
    document_number=st.sampled_from([f"{prefix}1234567" for prefix in PREFIXES]),
    issuer=st.none() | st.sampled_from(PLACES),
    document_expires=st.none() | days,
    birth_date=st.dates(date(1930, 1, 1), date(2024, 1, 1)) | st.dates(),
    endorsement=st.none() | endorsements,
    stay_days=st.none() | counts,
    guardian=st.none() | st.just("somebody"),
    nationality=st.none() | st.sampled_from(["CHN", "UTO"]),
    residence=st.none() | st.sampled_from(["permanent", "temporary"]),
)
crossings = st.builds(
    lambda direction, leg, on, checkpoint: {
        "direction": direction,
        "origin": leg[0],
        "destination": leg[1],
        "on": on,
        "checkpoint": checkpoint,
    },
    st.sampled_from(["exit", "entry"]),
    legs,
    days,
    st.sampled_from(CHECKPOINTS),
)
