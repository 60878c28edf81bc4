"""Which vector and which test shows which negative case of the border token (rows 56 to 59 and 61), with its reason.

``vectors`` are cases of ``tests/vectors/gate.json``, for the pure gate; ``tests`` are named as
``path::function[text]``, below ``tests/``: the text has to stand in the test or its parameters.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tests.oidc.test_rows import TESTS, _is_there

GATE = {case["id"]: case for case in json.loads((TESTS / "vectors/gate.json").read_text("utf-8"))["cases"]}
WANTED = [56, 57, 58, 59, 61]
_LANE = "checkpoint/test_negative_cases.py::test_lane_answers_with_its_reason_and_uses_nothing_up"

_NO_STATUS = "refer status_stale"  # a list that does not hold is no list
_LIST = "protocol/test_negative_lists.py::test_token_whose_list_does_not_hold_is_referred"
_CWT = "protocol/test_status_list_cwt.py::test_list_that_does_not_hold_is_refused"
_MIRROR = "federation/test_status_mirror.py::test_a_list_that_does_not_verify_leaves_the_last_copy"


@dataclass(frozen=True)
class Shown:
    """One case of a row: what the gate answers, the vectors, the live lane's case by its name, and other tests."""

    answer: str
    vectors: tuple[str, ...] = ()
    lane: str = ""
    tests: tuple[str, ...] = ()


ROWS: Mapping[int, Mapping[str, Shown]] = {
    56: {
        "another gate": Shown(
            "refuse wrong_audience",
            ("another-checkpoint", "audience-with-slash"),
            "another gate's token",
            ("checkpoint/test_joint_lane.py::test_code_for_no_side_is_recorded_and_holds_nobody_up[wrong_audience]",),
        ),
        "other direction": Shown("refuse wrong_direction", ("other-direction",), "token for the other direction"),
        "other leg": Shown("refuse wrong_direction", ("other-leg",), "token for another leg"),
        "not yet valid": Shown("refuse not_yet_valid", ("not-yet",), "token of tomorrow"),
        "expired": Shown("refuse expired", ("expired",), "token of yesterday"),
        "gate's clock behind": Shown(
            "refer clock_untrusted",
            ("clock-behind-bundle", "clock-behind-journal"),
            "lane's clock behind",
            ("checkpoint/test_lane.py::test_a_clock_that_goes_back_between_code_and_face_admits_nobody",),
        ),
        "issuer's clock ahead": Shown("refuse not_yet_valid", ("issued-in-future",), "issuer's clock ahead"),
        "document of another type": Shown("refuse malformed", ("malformed-token-of-another-type",)),
        "ID token": Shown("refuse malformed", lane="ID token as border token"),
        "access token": Shown("refuse malformed", lane="access token as border token"),
    },
    57: {
        "authority outside the federation": Shown(
            "refuse untrusted_issuer", ("unknown-issuer",), "authority outside the federation"
        ),
        "authority without its mark": Shown("refuse policy_violation", ("issuer-without-mark",)),
        "chain expired offline": Shown(
            "refuse untrusted_issuer", ("chain-expired",), "chain that has expired in an offline bundle"
        ),
        "bundle too old": Shown(
            "refer trust_stale",
            ("bundle-a-day-old", "no-bundle"),
            "bundle that is a day old",
            ("checkpoint/test_lane.py::test_without_a_bundle_everybody_is_referred",),
        ),
    },
    58: {
        "again at one gate": Shown(
            "refuse replayed",
            ("admitted-before",),
            tests=("checkpoint/test_lane.py::test_the_same_code_again_is_replayed",),
        ),
        "two processes at once": Shown(
            "refuse replayed",
            tests=("checkpoint/test_negative_cases.py::test_token_at_two_lane_processes_of_one_file_is_admitted_once",),
        ),
        "after an officer's release": Shown(
            "refuse replayed",
            tests=("checkpoint/test_by_hand.py::test_release_consumes_the_token_and_says_who_and_why[REPLAYED]",),
        ),
        "two offline gates": Shown(
            "alert",
            tests=("border/test_recording.py::test_a_token_admitted_at_two_lanes_raises_one_alert_with_both_entries",),
        ),
    },
    59: {
        "token without device key": Shown(
            "refuse key_binding_failed", ("stolen-token", "stolen-jwt"), "stolen token without the device key"
        ),
        "photographed code": Shown("refuse key_binding_failed", ("photographed",), "photographed code"),
        "answer used again": Shown("refuse key_binding_failed", ("nonce-spent", "other-nonce")),
        "device key without face": Shown("refer face_no_face", ("face-no-face",), "device key without a face"),
        "another's face": Shown("refuse face_mismatch", ("another-face",), "face of another traveller"),
        "replayed face capture": Shown(
            "refer face_not_live", ("not-live", "liveness-unknown"), "face capture that is replayed"
        ),
    },
    61: {
        "typ": Shown(
            _NO_STATUS,
            tests=(
                f"{_LIST}[typ of another document]",
                "protocol/test_status_list.py::test_list_of_another_type_is_refused",
                f"{_CWT}[application/border-token+cwt]",
            ),
        ),
        "sub is not the uri": Shown(
            _NO_STATUS,
            tests=(
                f"{_LIST}[sub is not the uri]",
                "protocol/test_status_list.py::test_list_for_another_address_is_refused",
                f"{_MIRROR}[another address]",
            ),
        ),
        "index outside the list": Shown(
            "refuse malformed",
            ("index-outside",),
            tests=(
                "protocol/test_negative_lists.py::test_token_whose_index_is_outside_its_list_is_refused",
                "protocol/test_status_list.py::test_index_outside_the_list_is_not_valid",
            ),
        ),
        "bits is 3": Shown(
            _NO_STATUS,
            tests=(
                f"{_LIST}[bits is 3]",
                "protocol/test_status_list.py::test_bits_of_no_known_size_are_refused[3]",
                f'{_CWT}["bits": 3]',
            ),
        ),
        "expired": Shown(
            _NO_STATUS,
            tests=(
                f"{_LIST}[expired]",
                "protocol/test_status_list.py::test_claims_that_do_not_hold_are_refused[Reason.EXPIRED]",
            ),
        ),
        "zlib bomb": Shown(
            _NO_STATUS,
            tests=(
                f"{_LIST}[zlib bomb]",
                "protocol/test_status_list.py::test_decompression_is_bounded",
                "protocol/test_status_list_cwt.py::test_array_beyond_its_bound_is_refused",
                f"{_MIRROR}[a zip bomb]",
            ),
        ),
        "another issuer's key": Shown(
            _NO_STATUS,
            ("list-of-another-issuer", "list-of-another-key"),
            tests=(
                f"{_LIST}[another issuer's key]",
                "protocol/test_status_list.py::test_list_of_another_key_is_refused",
                f"{_MIRROR}[another key]",
            ),
        ),
    },
}


def test_every_row_has_its_cases_and_every_case_is_shown() -> None:
    """A row that was forgotten, or a case of one that nothing shows any more."""
    assert list(ROWS) == WANTED
    cases = [(row, words, case) for row, found in ROWS.items() for words, case in found.items()]
    assert [found[:2] for found in cases if not (found[2].vectors or found[2].lane or found[2].tests)] == []


def test_vectors_give_the_reason_of_their_row() -> None:
    """A vector that was renamed, or whose answer is now another."""
    for found in ROWS.values():
        for words, case in found.items():
            for name in case.vectors:
                expected = GATE[name]["expected"]
                assert f"{expected['decision']} {expected['reason']}" == case.answer, (words, name)


def test_live_lane_gives_the_reason_of_its_row() -> None:
    """The same of the cases at a lane, each by its name."""
    from tests.checkpoint.test_negative_cases import CASES

    for row, found in ROWS.items():
        for words, case in found.items():
            if case.lane:
                assert (CASES[case.lane].row, CASES[case.lane].answer) == (row, case.answer), words
    shown = {case.lane for found in ROWS.values() for case in found.values()}
    assert set(CASES) <= shown, "a case at the lane that belongs to no row"
    assert _is_there(_LANE)


def test_what_is_named_is_there() -> None:
    """A test that was renamed or deleted, or that has lost the one case that it is named for."""
    named = [name for found in ROWS.values() for case in found.values() for name in case.tests]
    assert [name for name in named if not _is_there(name)] == []
